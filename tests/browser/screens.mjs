// Every page and every refusal of the bank's pages, in both languages, wide and narrow, as pictures to
// look at: `make screens`. The pages are those that the tests of the service's own pages render.
//
//     target/screens/pages/NAME-WIDTH.png      one page
//     target/screens/sheets/NN-WIDTH.png       several side by side
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { launchChromium } from './bench/chromium.mjs';
import { assertFits } from './bench/look.mjs';
import { TARGET } from './bench/places.mjs';

const PAGES = join(TARGET, 'screens/pages');
const SHEETS = join(TARGET, 'screens/sheets');
const SIZES = [
  { width: 1280, height: 900 },
  { width: 320, height: 640 },
];
/** How many pages stand on a sheet, and how wide each. */
const SHEET = { 1280: { pages: 6, shown: 640, columns: 3 }, 320: { pages: 8, shown: 320, columns: 8 } };

async function shoot(page, name) {
  await page.goto(pathToFileURL(join(PAGES, `${name}.html`)).href);
  for (const size of SIZES) {
    await page.setViewportSize(size);
    await assertFits(page, `${name} at ${size.width}`);
    const path = join(PAGES, `${name}-${size.width}.png`);
    await page.screenshot({ path, fullPage: true, animations: 'disabled' });
  }
}

async function lay(page, names, width, number) {
  const { shown, columns } = SHEET[width];
  const figures = names.map(
    (name) => `<figure><figcaption>${name}</figcaption><img src="../pages/${name}-${width}.png"></figure>`,
  );
  const file = join(SHEETS, `${String(number).padStart(2, '0')}-${width}.html`);
  writeFileSync(
    file,
    `<!doctype html><meta charset="utf-8"><style>body{margin:8px;display:grid;gap:8px;align-items:start;
    grid-template-columns:repeat(${columns},${shown}px);background:#888;font:14px sans-serif}
    figure{margin:0}img{width:${shown}px;display:block}figcaption{background:#ff9}</style>${figures.join('')}`,
  );
  await page.setViewportSize({ width: columns * (shown + 8) + 8, height: 600 });
  await page.goto(pathToFileURL(file).href);
  await page.screenshot({ path: file.replace(/html$/, 'png'), fullPage: true });
  rmSync(file);
}

const names = readdirSync(PAGES)
  .filter((file) => file.endsWith('.html'))
  .map((file) => file.slice(0, -'.html'.length))
  .sort();
assert.ok(names.length > 40, 'the pages are missing: run it by `make screens`');
rmSync(SHEETS, { recursive: true, force: true });
mkdirSync(SHEETS, { recursive: true });
const browser = await launchChromium();
try {
  const page = await browser.newPage();
  for (const name of names) await shoot(page, name);
  for (const { width } of SIZES) {
    const { pages } = SHEET[width];
    for (let at = 0; at < names.length; at += pages) {
      await lay(page, names.slice(at, at + pages), width, at / pages);
    }
  }
} finally {
  await browser.close();
}
process.stdout.write(`${names.length} pages at ${SIZES.map(({ width }) => width).join(' and ')}: ${PAGES}\n`);
