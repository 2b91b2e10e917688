// The demonstration, one per test file: each begins from the state that the procedure's example
// takes for granted, and none disturbs one that is running already.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { DEMO, TARGET } from './places.mjs';

const UP_WITHIN_MILLISECONDS = 60_000;
const DOWN_WITHIN_MILLISECONDS = 30_000;
/** Two demonstrations that start at the same moment may pick the same free ports. */
const ATTEMPTS = 3;
const PORTS_TAKEN = /in use already|address already in use/i;

/** What runs, as `demo.json` describes it (docs/demo-json.md), and how to stop it. */
class Demo {
  constructor(child, description, directory, logFile) {
    this.addresses = description.addresses;
    this.banks = description.banks;
    this.partners = description.partners;
    this.customer = description.customers[0];
    this.operators = description.operators;
    this.tls = description.tls;
    this.directory = directory;
    this.logFile = logFile;
    this.child = child;
  }

  /** Holds a service up, so that nothing answers until `resume()`: what comes in meanwhile waits. */
  pause(service) {
    const processId = Number(readFileSync(join(this.directory, 'run', `${service}.pid`), 'utf8'));
    process.kill(processId, 'SIGSTOP');
    return { resume: () => process.kill(processId, 'SIGCONT') };
  }

  bank(code) {
    return this.banks.find((bank) => bank.code === code);
  }

  /** Ends it as Ctrl-C does, and waits for its end. */
  async stop() {
    const ended = once(this.child, 'exit');
    if (this.child.exitCode === null) {
      this.child.kill('SIGINT');
      const timeout = new AbortController();
      const late = pause(DOWN_WITHIN_MILLISECONDS, 'late', { signal: timeout.signal }).catch(() => {});
      const outcome = await Promise.race([ended, late]);
      timeout.abort();
      if (outcome === 'late') throw new Error(`the demonstration does not stop: ${this.logFile}`);
    }
    if (this.child.exitCode !== 0) {
      throw new Error(`the demonstration ended with ${this.child.exitCode}: ${this.logFile}`);
    }
  }
}

/**
 * Starts a demonstration on free ports in `target/browser/<name>`, and stops it after the test `t`.
 * Its logs stay there. `flags`: further ones of `demo run`, such as `--tls`.
 */
export async function startDemo(t, name, ...flags) {
  for (let attempt = 1; ; attempt += 1) {
    const { demo, failure } = await start(name, flags);
    if (demo) {
      t.after(() => demo.stop());
      return demo;
    }
    if (attempt === ATTEMPTS || !PORTS_TAKEN.test(failure)) throw new Error(failure);
  }
}

async function start(name, flags) {
  if (!existsSync(DEMO)) throw new Error(`${DEMO} is missing. Build it with:  make build`);
  const directory = join(TARGET, 'browser', name);
  mkdirSync(directory, { recursive: true });
  const logFile = join(directory, 'demo.log');
  const announcement = join(directory, 'demo.json');
  rmSync(announcement, { force: true });
  const log = openSync(logFile, 'w');
  const environment = { ...process.env, KEEP: '', ONCE: '' };
  const child = spawn(DEMO, ['run', '--port-base', 'free', '--directory', directory, ...flags], {
    env: environment,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  process.once('exit', () => child.kill('SIGINT'));
  const deadline = Date.now() + UP_WITHIN_MILLISECONDS;
  while (child.exitCode === null && Date.now() < deadline) {
    if (existsSync(announcement)) {
      const description = JSON.parse(readFileSync(announcement, 'utf8'));
      return { demo: new Demo(child, description, directory, logFile) };
    }
    await pause(50);
  }
  if (child.exitCode === null) {
    child.kill('SIGINT');
    await once(child, 'exit');
  }
  return { failure: `the demonstration did not start:\n${readFileSync(logFile, 'utf8')}` };
}
