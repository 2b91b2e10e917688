//! `bench`: measures the service against what its database can do, as ratios of one run. What each
//! line means is in `docs/benchmarks.md`.

mod error;
mod flow;
mod ground;
mod in_flight;
mod line;
mod lines;
mod load;
mod loaded_ground;
mod machine;
mod pgbench;
mod records;
mod relay_ground;
mod report;
mod run;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::run::{Figures, Options, Pace};

/// Measures commands, decisions and journeys against PostgreSQL itself, on a PostgreSQL of its own.
#[derive(Parser)]
#[command(version)]
#[command(args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Short periods, to try the bench out.
    #[arg(long)]
    quick: bool,
    /// Measures and prints also on a noisy machine, saying so; ends with an error all the same.
    #[arg(long)]
    indicative: bool,
    /// Only lines whose name contains this; may be given more than once.
    #[arg(long)]
    only: Vec<String>,
    /// How often every line is measured.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(5..=99))]
    rounds: u32,
    /// Where the figures go as JSON; target/bench/report.json by default.
    #[arg(long)]
    report: Option<PathBuf>,
    /// Generated events of the larger database; the smaller has a tenth. Ten million, and one with --quick.
    #[arg(long)]
    events: Option<u32>,
}

#[derive(Subcommand)]
enum Command {
    /// Fills an empty database with generated events of three years; measures nothing.
    Load(load::LoadArguments),
}

fn main() -> ExitCode {
    let mut arguments = Arguments::parse();
    let command = arguments.command.take();
    let pace = if arguments.quick {
        Pace::Quick
    } else {
        Pace::Full
    };
    let options = Options {
        pace,
        events: arguments.events.unwrap_or(pace.loaded_events()),
        figures: if arguments.indicative {
            Figures::Indicative
        } else {
            Figures::QuietOnly
        },
        only: arguments.only,
        rounds: arguments.rounds,
        report: arguments.report,
    };
    let ran = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(error::BenchError::from)
        .and_then(|runtime| match command {
            Some(Command::Load(arguments)) => runtime.block_on(Box::pin(load::run(arguments))),
            None => runtime.block_on(Box::pin(run::run(options))),
        });
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say_error(&error);
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "the command line's own answer")]
fn say_error(error: &error::BenchError) {
    eprintln!("bench: {error}");
}
