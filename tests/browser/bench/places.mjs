// Where things are.
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');

/** Cargo's target directory: logs, screenshots and the demonstration's state go below it. */
export const TARGET = resolve(ROOT, process.env.CARGO_TARGET_DIR || 'target');

/** The program that starts everything. */
export const DEMO = resolve(TARGET, 'debug/demo');

/** Where the screenshots go. */
export const SCREENS = resolve(TARGET, 'screens/browser');

/** The procedure that the bank hands to its customers. */
export const PROCEDURE = resolve(
  ROOT,
  'services/consent/tests/fixtures/api-linkage-procedure.ja.txt',
);
