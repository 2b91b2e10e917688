// A customer without a mouse: Tab, Space, Enter and typing, nothing else.
import assert from 'node:assert/strict';

/** More stops than any page has. */
const STOPS_MAX = 80;

/**
 * What the keyboard is on: its selector-like name, and what is wrong with the mark of the focus
 * (WCAG 2.4.7, 2.4.11: it is there, on the screen, and nothing covers it).
 */
function focused(page) {
  return page.evaluate(() => {
    const element = document.activeElement;
    if (!element || element === document.body) return { name: 'body', faults: [] };
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
    const top = document.elementFromPoint(x, y);
    const faults = [];
    if (style.outlineStyle === 'none' || parseFloat(style.outlineWidth) < 2) {
      faults.push(`no outline (${style.outline})`);
    }
    if (box.width === 0 || y < 0 || y > innerHeight || x < 0 || x > innerWidth) {
      faults.push(`off the screen (${x}, ${y})`);
    } else if (!(element === top || element.contains(top) || top?.contains(element))) {
      faults.push(`covered by ${top?.outerHTML.slice(0, 80)}`);
    }
    const name = element.id ? `#${element.id}` : element.outerHTML.slice(0, 80);
    return { name, faults };
  });
}

/** Presses Tab until `selector` has the focus; every stop on the way shows the focus. */
export async function tabTo(page, selector) {
  const stops = [];
  while (stops.length < STOPS_MAX) {
    await page.keyboard.press('Tab');
    const { name, faults } = await focused(page);
    assert.deepEqual(faults, [], `${name} on ${page.url()}`);
    stops.push(name);
    const there = await page
      .locator(selector)
      .first()
      .evaluate((element) => element === document.activeElement);
    if (there) return stops;
  }
  assert.fail(`Tab does not reach ${selector}: ${stops.join(' ')}`);
}

/** Goes to a button or a link and presses Enter. */
export async function enter(page, selector) {
  await tabTo(page, selector);
  await page.keyboard.press('Enter');
}

/** Goes to a field and types. */
export async function type(page, selector, text) {
  await tabTo(page, selector);
  await page.keyboard.type(text);
}

/** Goes to a tick box and presses Space. */
export async function tick(page, selector) {
  await tabTo(page, selector);
  await page.keyboard.press('Space');
}
