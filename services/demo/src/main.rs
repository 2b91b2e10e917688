//! `demo`: see the README's `make demo` and `make test`.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::FalseyValueParser;
use clap::{ArgAction, Args, Parser, Subcommand};
use demo::addresses::{PortBase, Transport};
use demo::run::{Keeping, Mode, RunOptions, absolute, default_directory, run};
use demo::{console, with_postgres, with_services};

#[derive(Debug, Parser)]
#[command(
    name = "demo",
    about = "Everything on this machine, started and stopped together"
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start everything and run until Ctrl-C; the default.
    Run {
        #[command(flatten)]
        arguments: RunArguments,
        /// After `--`: run this command when everything is up, with DEMO_JSON naming demo.json,
        /// and end with its exit code.
        #[arg(last = true, conflicts_with = "once")]
        command: Vec<String>,
    },
    /// Run a command with RENKEI_TEST_DATABASE_URL naming a PostgreSQL of its own.
    WithPostgres {
        /// The command and its arguments, after `--`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<String>,
    },
    /// Run a command with KAFKA_BOOTSTRAP naming an Apache Kafka of its own.
    WithKafka {
        /// The command and its arguments, after `--`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<String>,
    },
    /// Run a command with a PostgreSQL and an Apache Kafka of its own.
    WithServices {
        /// The command and its arguments, after `--`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<String>,
    },
}

#[derive(Debug, Args)]
struct RunArguments {
    /// Add this number to every port; `free` finds one.
    #[arg(long, env = "PORT_BASE", default_value = "0", value_parser = PortBase::parse)]
    port_base: PortBase,
    /// Serve everything over TLS, with an authority of the demonstration's own.
    #[arg(long, env = "TLS", action = ArgAction::SetTrue, value_parser = FalseyValueParser::new())]
    tls: bool,
    /// Go on from the last kept state, and keep it.
    #[arg(long, env = "KEEP", action = ArgAction::SetTrue, value_parser = FalseyValueParser::new())]
    keep: bool,
    /// Walk the seven steps and end; the exit code is 0 only if everything matched.
    #[arg(long, env = "ONCE", action = ArgAction::SetTrue, value_parser = FalseyValueParser::new())]
    once: bool,
    /// A PostgreSQL superuser's URL; without one a private server is started.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Where settings, logs and demo.json are written [default: target/demo].
    #[arg(long, env = "DEMO_DIR")]
    directory: Option<PathBuf>,
}

impl RunArguments {
    fn options(self, command: Vec<String>) -> Result<RunOptions, Box<dyn Error>> {
        let directory = self.directory.map_or_else(default_directory, Ok)?;
        let mode = match self.once {
            true => Mode::Once,
            false if command.is_empty() => Mode::UntilStopped,
            false => Mode::Command(command),
        };
        Ok(RunOptions {
            port_base: self.port_base,
            transport: if self.tls {
                Transport::Tls
            } else {
                Transport::Plain
            },
            keeping: if self.keep {
                Keeping::Kept
            } else {
                Keeping::FromScratch
            },
            mode,
            database_url: self.database_url.filter(|url| !url.is_empty()),
            directory: absolute(directory)?,
        })
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let command = arguments.command.unwrap_or(Command::Run {
        arguments: arguments.run,
        command: Vec::new(),
    });
    let outcome: Result<ExitCode, Box<dyn Error>> = match command {
        Command::Run { arguments, command } => match arguments.options(command) {
            Ok(options) => Box::pin(run(options)).await.map_err(Into::into),
            Err(error) => Err(error),
        },
        Command::WithPostgres { command } => Box::pin(with_postgres::run(&command))
            .await
            .map_err(Into::into),
        Command::WithKafka { command } => Box::pin(with_services::with_kafka(&command))
            .await
            .map_err(Into::into),
        Command::WithServices { command } => Box::pin(with_services::with_services(&command))
            .await
            .map_err(Into::into),
    };
    outcome.unwrap_or_else(|error| {
        console::say(format_args!("demo: {error}"));
        ExitCode::FAILURE
    })
}
