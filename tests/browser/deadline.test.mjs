// The deadline that a page prints, where the browser runs script: a warning before it, and more time
// without losing what was typed. The page's clock is set forward, the service's is not.
import assert from 'node:assert/strict';
import test from 'node:test';

import { startDemo } from './bench/demo.mjs';
import { look } from './bench/look.mjs';
import { ACCOUNTS, fillAccounts, linkedRows, readTable, rowOf, walkTo } from './bench/steps.mjs';
import { originsOf, startChromium, visit } from './bench/visit.mjs';

test('the deadline', async (t) => {
  const demo = await startDemo(t, 'deadline');
  const browser = await startChromium(t);

  await visit(browser, { name: 'deadline', origins: originsOf(demo) }, async (page) => {
    await page.clock.install();
    await walkTo(page, demo, 'accounts');
    await fillAccounts(page, linkedRows(demo.customer));
    const typed = await readTable(page);
    const live = page.locator('#deadline-live');
    assert.equal(await live.innerText(), '');

    await page.clock.fastForward('08:30');
    const more = live.getByRole('button', { name: '操作期限を延長する' });
    await more.waitFor();
    assert.match(await live.innerText(), /^操作期限（[0-9:]+）が近づいています。/);
    await look(page, '28-accounts-deadline-near');

    await more.click();
    await live.getByText('操作期限：').waitFor();
    assert.deepEqual(await readTable(page), typed, 'nothing that was typed is lost');
    assert.equal(await rowOf(page, ACCOUNTS.first).getByRole('checkbox').isChecked(), true);

    // Past it the page does not stay: the service decides what comes instead.
    const left = page.waitForEvent('load');
    await page.clock.fastForward('11:00');
    await left;
    assert.equal((await readTable(page)).rows[0].cells.at(-1), '', 'no PIN stays on the screen');
  });
});
