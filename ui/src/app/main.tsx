// Entry point.
import { render } from "#dom";
import "./tokens.css";
import "./page.css";
import { App } from "./App.tsx";

render(() => <App />, document.getElementById("page") as HTMLElement);
