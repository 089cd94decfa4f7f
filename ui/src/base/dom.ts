// The DOM runtime that compiled JSX imports: Solid's own, with `template` replaced.
//
// Solid's `template` parses its compile-time string with `innerHTML`, which `require-trusted-types-for 'script'` forbids.
// Instead of opening a Trusted Types policy, this file reads the string with a small strict reader and builds the nodes
// with `createElement`. The page therefore has no HTML sink at all, and works under `trusted-types 'none'`.
//
// Grammar accepted (what babel-plugin-jsx-dom-expressions writes when told not to omit tags and quotes): elements with
// double-quoted or bare attributes, text with the five common entities, and `<!>` / `<!---->` insertion markers. Anything
// else throws at start-up, which the tests see. A `style` attribute throws as well: the CSP would drop it silently.
export * from "solid-js/web";

const SVG = "http://www.w3.org/2000/svg";
const VOID = new Set(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]);
const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', nbsp: "\u00a0" };
const TOKEN = /<!(?:--.*?--)?>|<\/([\w:-]+)>|<([\w:-]+)((?:\s(?:[^>"]|"[^"]*")*)?)>|[^<]+/gsy;
const ATTRIBUTE = /([^\s="]+)(?:=(?:"([^"]*)"|([^\s"]+)))?/g;

function decode(text: string): string {
  return text.replace(/&(#\d+|\w+);/g, (whole, name: string) =>
    name[0] === "#" ? String.fromCodePoint(Number(name.slice(1))) : (ENTITIES[name] ?? whole),
  );
}

/** Builds the nodes a template string describes. Pure in its argument; throws on anything outside the grammar. */
export function readTemplate(html: string): Node {
  const root = document.createDocumentFragment();
  const stack: Node[] = [root];
  const open: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < html.length) {
    const at = TOKEN.lastIndex;
    const token = TOKEN.exec(html);
    if (!token) throw new Error(`template: unexpected text at ${at}: ${html.slice(at, at + 40)}`);
    const top = stack[stack.length - 1] as Node;
    const [text, closing, tag, attributes] = token;
    if (closing) {
      if (open.pop() !== closing) throw new Error(`template: </${closing}> closes nothing`);
      stack.pop();
    } else if (tag) {
      const svg = tag === "svg" || (top as Element).namespaceURI === SVG;
      const element = svg ? document.createElementNS(SVG, tag) : document.createElement(tag);
      for (const [, name, quoted, bare] of (attributes ?? "").matchAll(ATTRIBUTE)) {
        if (name === "style") throw new Error("template: style attributes are forbidden by the content security policy");
        element.setAttribute(name as string, decode(quoted ?? bare ?? ""));
      }
      top.appendChild(element);
      if (!VOID.has(tag)) {
        stack.push(element);
        open.push(tag);
      }
    } else if (text.startsWith("<!")) {
      top.appendChild(document.createComment(""));
    } else {
      top.appendChild(document.createTextNode(decode(text)));
    }
  }
  if (open.length) throw new Error(`template: <${open[open.length - 1]}> is not closed`);
  return root;
}

/** Replaces Solid's `template`: the returned function clones the nodes, which are built on first use. */
export function template(html: string, _importNode?: boolean, isSvg?: boolean): () => Node {
  let node: Node | undefined;
  return () => {
    if (!node) {
      const first = readTemplate(html).firstChild as Node;
      // Solid wraps a lone SVG child in <svg> so that it gets the right namespace.
      node = isSvg ? (first.firstChild as Node) : first;
    }
    return node.cloneNode(true);
  };
}
