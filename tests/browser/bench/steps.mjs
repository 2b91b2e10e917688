// The seven steps as a customer with a mouse does them.
import assert from 'node:assert/strict';

/** The bank of the procedure's example. */
export const BANK = '2963';

/** The accounts of the procedure's example. */
export const ACCOUNTS = {
  first: 'インターネット支店(000) 普通 5000000',
  mistyped: 'インターネット支店(000) 普通 1111111',
  other: 'インターネット支店(000) 普通 9999999',
  linked: '豊後支店(490) 普通 1000014',
};

export const WRONG_PIN = '0000';
/** What is typed beside an unticked row; it differs from the right PIN and from the wrong one. */
export const UNSENT_PIN = '5937';

/** The form and the button of each page of the bank, by the path of its step. */
export const SUBMIT = {
  login: '#login-submit',
  tasks: '#tasks-submit',
  accounts: '#accounts-submit',
  confirm: '#confirm-submit',
  authorize: '#authorize-submit',
};

/** The text of `h1#title`. */
export const titleOf = (page) => page.locator('h1#title').innerText();

/** Waits for a step's page of the bank. */
export async function arriveAt(page, step) {
  await page.waitForURL(new RegExp(`/${BANK}/journeys/[^/]+/${step}(\\?|$)`));
}

/** Step 1: the partner's list of banks, and from it to the bank's login. */
export async function pickBank(page, demo) {
  await page.goto(`${demo.addresses.partner_app}/banks`);
  await page.locator(`#link-${BANK}-submit`).click();
  await arriveAt(page, 'login');
}

/** Types the login id and the password of step 2. */
export async function typeLogin(page, customer) {
  await page.locator('#login_id').fill(customer.login_id);
  await page.locator('#password').fill(customer.password);
}

/** Step 2. */
export async function logIn(page, customer) {
  await typeLogin(page, customer);
  await page.locator(SUBMIT.login).click();
  await arriveAt(page, 'tasks');
}

/** Step 3, with everything that the partner asks for. */
export async function chooseTasks(page) {
  for (const task of ['balance', 'transactions']) await page.locator(`#task-${task}`).check();
  await page.locator(SUBMIT.tasks).click();
  await arriveAt(page, 'accounts');
}

/** The row of an account in the table of step 4 or 5. */
export function rowOf(page, account) {
  const cell = page.getByRole('cell', { name: account, exact: true });
  return page.locator('table#accounts tbody tr', { has: cell });
}

/** Ticks the rows of step 4 as told, and types what is told beside them: `{ account: { tick, pin } }`. */
export async function fillAccounts(page, rows) {
  for (const [account, { tick, pin }] of Object.entries(rows)) {
    const row = rowOf(page, account);
    await row.getByRole('checkbox').setChecked(tick);
    await row.locator('input[type=password]').fill(pin);
  }
}

/** What the customer of the procedure's example does at step 4. */
export const exampleRows = ({ pin }) => ({
  [ACCOUNTS.first]: { tick: true, pin },
  [ACCOUNTS.mistyped]: { tick: true, pin: WRONG_PIN },
  [ACCOUNTS.other]: { tick: false, pin: UNSENT_PIN },
  [ACCOUNTS.linked]: { tick: true, pin },
});

/** The two accounts that the procedure's example links, and nothing else typed. */
export const linkedRows = ({ pin }) => ({
  [ACCOUNTS.first]: { tick: true, pin },
  [ACCOUNTS.linked]: { tick: true, pin },
});

/** Goes on from a step's page by its button. */
export async function submit(page, step, next) {
  await page.locator(SUBMIT[step]).click();
  await arriveAt(page, next);
}

/** Step 6: reads, ticks, allows, and arrives at the partner's step 7. */
export async function allow(page) {
  await page.locator('#agree').check();
  await page.locator(SUBMIT.authorize).click();
  await arriveAtPartner(page);
}

/** Waits for the partner's page of step 7. */
export async function arriveAtPartner(page) {
  await page.waitForURL(/\/linkages\/[^/]+\/import$/);
}

/** From the partner's list of banks to the page of `step` at the bank, with `rows` at step 4. */
export async function walkTo(page, demo, step, rows = linkedRows(demo.customer)) {
  const { customer } = demo;
  await pickBank(page, demo);
  const onwards = [
    ['tasks', () => logIn(page, customer)],
    ['accounts', () => chooseTasks(page)],
    [
      'confirm',
      async () => {
        await fillAccounts(page, rows);
        await submit(page, 'accounts', 'confirm');
      },
    ],
    ['authorize', () => submit(page, 'confirm', 'authorize')],
  ];
  if (step === 'login') return;
  for (const [reached, go] of onwards) {
    await go();
    if (reached === step) return;
  }
  assert.fail(`no such step: ${step}`);
}

/**
 * The table of step 4 or 5 as it stands on the screen: its columns, and its rows as
 * `{ tick, cells }`. A PIN reads as a dot for each character, and is empty where none is typed.
 */
export function readTable(page) {
  return page.locator('table#accounts').evaluate((table) => {
    const text = (cell) => {
      const typed = cell.querySelector('input[type=password]');
      return typed ? '●'.repeat(typed.value.length) : cell.innerText.trim();
    };
    return {
      columns: [...table.tHead.rows[0].cells].map(text),
      rows: [...table.tBodies[0].rows].map((row) => ({
        tick: row.querySelector('input[type=checkbox]')?.checked ?? null,
        cells: [...row.cells].map(text),
      })),
    };
  });
}
