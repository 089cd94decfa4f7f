//! The settings on the command line: one flag each, made from the table.

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};

use super::{Setting, TABLE, variable_of};

/// Flags that were given, and the file.
#[derive(Debug, Clone, Default)]
pub(crate) struct SettingArgs {
    pub(crate) config: Option<String>,
    pub(crate) flags: Vec<(&'static str, String)>,
}

fn help_of(setting: &Setting) -> String {
    let default = if setting.default.is_empty() { "off" } else { setting.default };
    format!("{} [default: {default}] [env: {}]", setting.help, variable_of(setting.name))
}

impl Args for SettingArgs {
    fn augment_args(command: Command) -> Command {
        let config = Arg::new("config")
            .long("config")
            .value_name("FILE")
            .help_heading("Settings")
            .help("Settings file [default: ./clewline.toml if it is there] [env: CLEWLINE_CONFIG]");
        let flags = TABLE.iter().map(|setting| {
            Arg::new(setting.name)
                .long(setting.name)
                .value_name(setting.kind.placeholder())
                .help_heading("Settings")
                .allow_hyphen_values(false)
                .help(help_of(setting))
        });
        command.arg(config).args(flags)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for SettingArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut args = SettingArgs::default();
        args.update_from_arg_matches(matches)?;
        Ok(args)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.config = matches.get_one::<String>("config").cloned();
        let given = |setting: &Setting| Some((setting.name, matches.get_one::<String>(setting.name)?.clone()));
        self.flags = TABLE.iter().filter_map(given).collect();
        Ok(())
    }
}
