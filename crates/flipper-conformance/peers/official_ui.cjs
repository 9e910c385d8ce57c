// Looks at the official desktop's own page: `src/official/page.rs` runs it. Its steps are those of `browser.cjs`, and some
// more; `tab` is the number of one of the tabs that were opened.
'use strict';

const browser = require('./browser.cjs');

const [url, program, profile] = process.argv.slice(2);
const WINDOW = {width: 1400, height: 800};
const TRY = 3000;

const tabs = [];

const steps = {
  ...browser.steps,
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
    const page = at.page();
    await page.mouse.move(WINDOW.width - 1, WINDOW.height - 1);
    await page.locator('.ant-tooltip:not(.ant-tooltip-hidden)').first().waitFor({timeout, state: 'hidden'});
    await closeNotices(page, complaints);
    await browser.picture(page, {timeout, to});
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

async function open() {
  const context = await browser.launch(program, profile, {viewport: WINDOW});
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

browser.serve(
  open,
  ({tab}) => tabs[tab].page,
  (at, step) => steps[step.do](at, {...step, complaints: tabs[step.tab].complaints}),
);
