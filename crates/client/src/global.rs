//! Options every subcommand shares, and how flags and environment become one value.

use std::path::PathBuf;

/// Where a server is looked for when nothing else is said.
pub const DEFAULT_SERVER: &str = "http://127.0.0.1:4300";

/// When output is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The command-line half of [`Global`], for `#[command(flatten)]` at the top of the binary.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct GlobalArgs {
    /// Server to talk to [default: http://127.0.0.1:4300] [env: CLEWLINE_SERVER]
    #[arg(long, value_name = "URL", global = true, help_heading = "Connection")]
    pub server: Option<String>,
    /// Tenant to read and write [env: CLEWLINE_TENANT]
    #[arg(long, value_name = "NAME", global = true, help_heading = "Connection")]
    pub tenant: Option<String>,
    /// Colours in the output; NO_COLOR is honoured
    #[arg(
        long,
        value_enum,
        value_name = "WHEN",
        default_value_t,
        hide_possible_values = false,
        global = true,
        help_heading = "Connection"
    )]
    pub color: ColorChoice,
}

impl GlobalArgs {
    /// Joins flags with the environment, which the caller looks up: flag first, then variable, then default.
    ///
    /// Variables: `CLEWLINE_SERVER`, `CLEWLINE_TENANT`, `NO_COLOR`, `TERM`, `COLUMNS`, `XDG_STATE_HOME`, `HOME`.
    pub fn resolve(self, variable: impl Fn(&str) -> Option<String>) -> Global {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let color = match self.color {
            ColorChoice::Auto if variable("NO_COLOR").is_some() => ColorChoice::Never,
            ColorChoice::Auto if variable("TERM").as_deref() == Some("dumb") => ColorChoice::Never,
            choice => choice,
        };
        let state_dir = variable("XDG_STATE_HOME")
            .map(PathBuf::from)
            .or_else(|| variable("HOME").map(|home| PathBuf::from(home).join(".local/state")))
            .map(|base| base.join("clewline"));
        Global {
            server: self.server.or_else(|| variable("CLEWLINE_SERVER")),
            tenant: self.tenant.or_else(|| variable("CLEWLINE_TENANT")),
            color,
            columns: variable("COLUMNS").and_then(|value| value.parse().ok()),
            state_dir,
        }
    }
}

/// What every subcommand needs to know about its surroundings.
#[derive(Debug, Clone, Default)]
pub struct Global {
    /// Base address of the server; [`DEFAULT_SERVER`] when absent.
    pub server: Option<String>,
    /// Sent as `X-Scope-OrgID`.
    pub tenant: Option<String>,
    /// Colours; `NO_COLOR` is already taken into account.
    pub color: ColorChoice,
    /// Width to assume when the terminal does not tell (`COLUMNS`).
    pub columns: Option<usize>,
    /// Where progress of imports is kept (`$XDG_STATE_HOME/clewline`).
    pub state_dir: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flag_then_variable_then_default() {
        let env = |name: &str| match name {
            "CLEWLINE_SERVER" => Some("http://a:1".to_string()),
            "NO_COLOR" => Some("1".to_string()),
            "HOME" => Some("/home/x".to_string()),
            _ => None,
        };
        let global = GlobalArgs::default().resolve(env);
        assert_eq!(global.server.as_deref(), Some("http://a:1"));
        assert_eq!(global.color, ColorChoice::Never);
        assert_eq!(global.state_dir, Some(PathBuf::from("/home/x/.local/state/clewline")));
        let flags = GlobalArgs { server: Some("http://b:2".into()), color: ColorChoice::Always, ..Default::default() };
        let global = flags.resolve(env);
        assert_eq!(global.server.as_deref(), Some("http://b:2"));
        assert_eq!(global.color, ColorChoice::Always);
    }
}
