// Looks at the official desktop's own page in a headless Chromium, and does there what a person would do:
// `src/official/page.rs` runs it.
//
// Each line of standard input is a step, such as `{"do": "click", "at": "text=Network", "within": 1000}`; each line of
// standard output is the answer to one, `{"is": …}` or `{"failed": …, "page": …}`. `at` is a selector of Playwright's,
// `tab` the number of one of the tabs that were opened.
// Steps wait by themselves until they can be done, at most `within` milliseconds. It ends with its standard input.
'use strict';

const {mkdirSync} = require('node:fs');
const {dirname} = require('node:path');
const {createInterface} = require('node:readline');
const {chromium} = require('playwright-core');

const [url, program, profile] = process.argv.slice(2);
const WINDOW = {width: 1400, height: 800};
const PATIENCE_AFTER_FAILURE = 5000;
const TRY = 3000;

const tabs = [];

const steps = {
  click: (at, {timeout}) => at.first().click({timeout}),
  // What an item shows only under the mouse, at its right end, where the item's tooltip does not cover it. A notice that has
  // to be closed in between takes the mouse away, and the item may be made anew: then it is tried again.
  clickUnderMouse: async (at, {timeout, button}) => {
    const deadline = Date.now() + timeout;
    for (;;) {
      try {
        const {width, height} = await at.first().boundingBox({timeout: TRY});
        await at.first().hover({timeout: TRY, position: {x: width - 20, y: height / 2}});
        return await at.first().locator(button).click({timeout: TRY});
      } catch (error) {
        if (Date.now() > deadline) throw error;
      }
    }
  },
  fill: (at, {timeout, text}) => at.first().fill(text, {timeout}),
  press: (at, {timeout, key}) => at.first().press(key, {timeout}),
  see: (at, {timeout}) => at.first().waitFor({timeout}),
  miss: (at, {timeout}) => at.first().waitFor({timeout, state: 'hidden'}),
  text: (at, {timeout}) => at.first().innerText({timeout}),
  texts: (at) => at.allInnerTexts(),
  cells: (at) => at.evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.innerText))),
  evaluate: (at, {expression}) => at.page().evaluate(expression),
  open: async (at, {url}) => {
    await openTab(await at.page().context().newPage(), url);
  },
  complaints: (at, {complaints}) => complaints.splice(0),
  hear: async (at, {timeout, text, complaints}) => {
    const isIt = (said) => said.includes(text);
    if (!complaints.some(isIt)) {
      await at.page().waitForEvent('console', {timeout, predicate: (message) => isIt(message.text())});
    }
    complaints.splice(0, Infinity, ...complaints.filter((said) => !isIt(said)));
  },
  picture: async (at, {timeout, to, complaints}) => {
    mkdirSync(dirname(to), {recursive: true});
    const page = at.page();
    await page.mouse.move(WINDOW.width - 1, WINDOW.height - 1);
    await page.locator('.ant-tooltip:not(.ant-tooltip-hidden)').first().waitFor({timeout, state: 'hidden'});
    await closeNotices(page, complaints);
    await page.screenshot({timeout, path: to, animations: 'disabled', caret: 'hide'});
  },
};

// They float over the page until somebody closes them.
async function closeNotices(page, complaints) {
  for (let notice; (notice = page.locator('.ant-notification-notice').first()), await notice.isVisible(); ) {
    complaints.push(`notice: ${await notice.innerText()}`);
    await notice.locator('.ant-notification-notice-close').click();
    await notice.waitFor({state: 'hidden'});
  }
}

function say(answer) {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

async function open() {
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: program,
    headless: true,
    viewport: WINDOW,
    timezoneId: 'UTC',
    args: [
      // Tests run as root, and in containers that give nothing away for a sandbox. All that is looked at is the desktop.
      '--no-sandbox',
      '--disable-dev-shm-usage',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  // The page asks the outside once, for the newest version.
  await context.route(
    (address) => address.hostname !== 'localhost',
    (route) => route.fulfill({json: {}, headers: {'access-control-allow-origin': '*'}}),
  );
  await openTab(context.pages()[0] ?? (await context.newPage()), url);
  return context;
}

async function openTab(page, url) {
  // What the page's console has said since it was last asked for.
  const complaints = [];
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error.stack || error}`));
  await page.addLocatorHandler(page.locator('.ant-notification-notice').first(), () => closeNotices(page, complaints));
  tabs.push({page, complaints});
  await page.goto(url);
}

async function failure(page, step, error) {
  const answer = {failed: String(error.message ?? error).replace(/\u001b\[\d+m/g, '')};
  try {
    answer.page = await page.locator('body').innerText({timeout: PATIENCE_AFTER_FAILURE});
    mkdirSync(dirname(step.ifItFails), {recursive: true});
    await page.screenshot({path: step.ifItFails, timeout: PATIENCE_AFTER_FAILURE});
  } catch (second) {
    answer.page ??= `(it does not say: ${second.message})`;
  }
  return answer;
}

async function main() {
  const context = await open();
  say({is: 'open'});
  for await (const line of createInterface({input: process.stdin})) {
    const {within: timeout, tab, ...step} = JSON.parse(line);
    const {page, complaints} = tabs[tab];
    try {
      say({is: (await steps[step.do](page.locator(step.at ?? 'body'), {...step, timeout, complaints})) ?? null});
    } catch (error) {
      say(await failure(page, step, error));
    }
  }
  await context.close();
}

main().then(
  () => process.exit(),
  (error) => {
    say({failed: String(error.stack ?? error), page: '(it is not open)'});
    process.exit(1);
  },
);
