// A customer's browser, watched, for the time of one test.
import { join } from 'node:path';

import { launchChromium } from './chromium.mjs';
import { SCREENS } from './places.mjs';
import { assertQuiet, watch } from './watch.mjs';

const PATIENCE_MILLISECONDS = 20_000;

/** Starts Chromium, for all tests of a file; it ends after `t`. */
export async function startChromium(t) {
  const browser = await launchChromium();
  t.after(() => browser.close());
  return browser;
}

/**
 * Runs `walk(page, context)` in a browser profile of its own, and fails where the browser had
 * anything to complain of. `origins`: those of the demonstration's pages, and no others.
 */
export async function visit(browser, { origins, name, ...options }, walk) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    locale: 'ja-JP',
    timezoneId: 'Asia/Tokyo',
    ...options,
  });
  context.setDefaultTimeout(PATIENCE_MILLISECONDS);
  const complaints = watch(context, origins);
  const page = await context.newPage();
  try {
    await walk(page, context);
    assertQuiet(complaints);
  } catch (error) {
    const path = join(SCREENS, `failed-${name}.png`);
    await page.screenshot({ path, fullPage: true }).catch(() => {});
    error.message += `\nat ${page.url()}, see ${path}`;
    throw error;
  } finally {
    await context.close();
  }
}

/** The origins that pages of the demonstration come from. */
export function originsOf(demo, ...others) {
  return [demo.addresses.partner_app, demo.addresses.consent, ...others];
}
