// A look at a page as customers may see it: wide, at 200 % zoom, and on a narrow screen.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { AxeBuilder } from '@axe-core/playwright';

import { SCREENS } from './places.mjs';

const WCAG_22_AA = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa'];

/** CSS pixels. A window of 1280 at 200 % zoom is laid out as one of 640. */
const WIDE = { width: 1280, height: 900 };
const ZOOMED = { width: 640, height: 450 };
const NARROW = { width: 320, height: 640 };

mkdirSync(SCREENS, { recursive: true });

/** Every page has a language, a title of its own and one heading of the first rank. */
async function assertNamed(page, name, lang) {
  assert.match(await page.title(), /.+ \| .+/, name);
  assert.equal(await page.locator('h1').count(), 1, `${name}: one h1`);
  assert.equal(await page.locator('html').getAttribute('lang'), lang, name);
}

/** Nothing is wider than the screen (WCAG 1.4.10). */
export async function assertFits(page, name) {
  const tooWide = await page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    if (document.scrollingElement.scrollWidth <= width) return [];
    return [...document.body.querySelectorAll('*')]
      .filter((element) => element.getBoundingClientRect().right > width + 0.5)
      .map((element) => element.outerHTML.slice(0, 120));
  });
  assert.deepEqual(tooWide, [], `${name}: wider than the screen`);
}

async function assertAccessible(page, name) {
  // Without frames axe-core needs no second page to put its findings together, which takes as long
  // as finding them.
  assert.equal(page.frames().length, 1, `${name} has frames`);
  const axe = new AxeBuilder({ page }).withTags(WCAG_22_AA).setLegacyMode();
  const { violations, passes } = await axe.analyze();
  assert.ok(passes.length > 5, `${name}: axe-core looked at nothing`);
  const found = violations.flatMap(({ id, help, nodes }) =>
    nodes.map((node) => `${id} (${help}): ${node.html}\n${node.failureSummary}`),
  );
  assert.deepEqual(found, [], name);
}

/**
 * Holds a page against WCAG 2.2 AA at each width, and keeps screenshots of it as
 * `target/screens/browser/<name>-<width>.png`.
 */
export async function look(page, name, lang = 'ja') {
  await assertNamed(page, name, lang);
  for (const viewport of [NARROW, ZOOMED, WIDE]) {
    const at = `${name} at ${viewport.width}`;
    await page.setViewportSize(viewport);
    await assertFits(page, at);
    if (viewport === ZOOMED) continue;
    await assertAccessible(page, at);
    const path = join(SCREENS, `${name}-${viewport.width}.png`);
    await page.screenshot({ path, fullPage: true, animations: 'disabled' });
  }
}
