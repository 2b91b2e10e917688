// The bank's printed procedure, read from its text: the tables of steps 4 and 5 cell by cell, and
// the titles, buttons and notes that its sentences name.
import { readFileSync } from 'node:fs';

import { PROCEDURE } from './places.mjs';

const CELL = '\t';
const TICK = /^<input( checked="")? type="checkbox"\/> (.*)$/;

/**
 * Prose as the screens show it. The text extraction put spaces between Latin and Japanese letters
 * and broke lines inside words; screens have neither.
 */
export function normalise(text) {
  const japanese = '[\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}ー、。「」（）]';
  return text
    .replace(/\s*\n\s*/g, '')
    .replace(new RegExp(`(?<=${japanese})\\s+(?=[\\p{L}\\p{N}])`, 'gu'), '')
    .replace(new RegExp(`(?<=[\\p{L}\\p{N}])\\s+(?=${japanese})`, 'gu'), '')
    .trim();
}

/** The text of each step, by its number, as it was printed. */
function readSteps() {
  const parts = readFileSync(PROCEDURE, 'utf8').split(/^手順 (\d)\. /m);
  const steps = {};
  for (let at = 1; at < parts.length; at += 2) steps[parts[at]] = parts[at + 1];
  return steps;
}

const STEPS = readSteps();

/** A step's prose, normalised, without its table. */
export function prose(step) {
  const lines = STEPS[step].split('\n').filter((line) => !line.includes(CELL));
  return normalise(lines.join('\n'));
}

/** A step's lines, normalised one by one. */
export function lines(step) {
  return STEPS[step].split('\n').map(normalise).filter(Boolean);
}

/** A step's notes: the sentences that begin with 「※」. */
export function notes(step) {
  return [...prose(step).matchAll(/※[^。]*。/g)].map(([note]) => note);
}

/** A step's table: its columns, and its rows as `{ tick, cells }`; `tick` is null without a box. */
export function table(step) {
  const [columns, ...rows] = STEPS[step]
    .split('\n')
    .filter((line) => line.includes(CELL))
    .map((line) => line.split(CELL));
  return {
    columns,
    rows: rows.map(([status, ...others]) => {
      const [, checked, text] = TICK.exec(status) ?? [];
      const tick = text === undefined ? null : checked !== undefined;
      return { tick, cells: [text ?? status, ...others] };
    }),
  };
}

/** The screen's title that a step's sentence names: 「…画面が表示され」. */
export function title(step) {
  return /(API連携認証（[^）]*）)画面が表示され/.exec(prose(step))[1];
}

/** What a step's sentence puts in corner brackets before `what`, e.g. 「登録」ボタン. */
export function quoted(step, what) {
  return new RegExp(`「([^」]*)」(?=${what})`).exec(prose(step))[1];
}
