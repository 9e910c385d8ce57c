// Looks at the desktop's own page in a headless Chromium, and does there what a person would do: `src/page.rs` runs it.
//
// Each line of standard input is a step, such as `{"do": "click", "at": "text=Network", "within": 1000}`; each line of
// standard output is the answer to one, `{"is": …}` or `{"failed": …, "page": …}`. `at` is a selector of Playwright's.
// Steps wait by themselves until they can be done, at most `within` milliseconds. It ends with its standard input.
'use strict';

const {mkdirSync, readFileSync} = require('node:fs');
const {dirname} = require('node:path');
const {createInterface} = require('node:readline');
const {chromium} = require('playwright-core');

const [url, program, profile] = process.argv.slice(2);
const {origin} = new URL(url);
const PATIENCE_AFTER_FAILURE = 5000;
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

// What the page's console has said, and what it has asked of others, since that was last asked for.
const complaints = [];

const steps = {
  click: (at, {timeout}) => at.first().click({timeout}),
  fill: (at, {timeout, text}) => at.first().fill(text, {timeout}),
  press: (at, {timeout, key}) => at.first().press(key, {timeout}),
  choose: (at, {timeout, text}) => at.first().selectOption(text, {timeout}),
  see: (at, {timeout}) => at.first().waitFor({timeout}),
  find: (at, {timeout}) => at.first().waitFor({timeout, state: 'attached'}),
  miss: (at, {timeout}) => at.first().waitFor({timeout, state: 'hidden'}),
  text: (at, {timeout}) => at.first().innerText({timeout}),
  texts: (at) => at.allInnerTexts(),
  value: (at, {timeout}) => at.first().inputValue({timeout}),
  // To another part of the page, or with a new address to the page itself.
  go: (at, {timeout, to}) => at.page().goto(new URL(to, url).href, {timeout}),
  reload: (at, {timeout}) => at.page().reload({timeout}),
  window: (at, {width, height}) => at.page().setViewportSize({width, height}),
  colours: (at, {scheme}) => at.page().emulateMedia({colorScheme: scheme}),
  download: async (at, {timeout}) => {
    const [download] = await Promise.all([at.page().waitForEvent('download', {timeout}), at.first().click({timeout})]);
    return readFileSync(await download.path(), 'utf8');
  },
  copied: (at) => at.page().evaluate(() => navigator.clipboard.readText()),
  run: (at, {script}) => at.page().evaluate(script),
  complaints: () => complaints.splice(0),
  // What axe-core finds that keeps people from using the page.
  barriers: async (at) => {
    // Outside of the page's own world, whose policy lets no such script in.
    const {frameTree} = await session.send('Page.getFrameTree');
    const {executionContextId: contextId} = await session.send('Page.createIsolatedWorld', {frameId: frameTree.frame.id});
    const expression = `${AXE}; axe.run({resultTypes: ['violations']}).then(({violations}) => JSON.stringify(violations))`;
    const {result, exceptionDetails} = await session.send('Runtime.evaluate', {expression, contextId, awaitPromise: true});
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    const found = JSON.parse(result.value).filter(({impact}) => impact === 'serious' || impact === 'critical');
    return found.map(({id, help, nodes}) => `${id}: ${help}: ${nodes.map(({html}) => html.slice(0, 200)).join(' | ')}`);
  },
  picture: async (at, {timeout, to}) => {
    mkdirSync(dirname(to), {recursive: true});
    await at.page().screenshot({timeout, path: to, animations: 'disabled', caret: 'hide'});
  },
};

let session;

function say(answer) {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

async function open() {
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: program,
    headless: true,
    viewport: {width: 1280, height: 800},
    colorScheme: 'light',
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
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], {origin});
  const page = context.pages()[0] ?? (await context.newPage());
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error.stack ?? error}`));
  page.on('dialog', (dialog) => complaints.push(`a dialog: ${dialog.message()}`) && dialog.dismiss());
  page.on('request', (request) => {
    const asked = new URL(request.url());
    if (asked.host !== new URL(url).host && !['blob:', 'data:'].includes(asked.protocol)) complaints.push(`asked for ${request.url()}`);
  });
  session = await context.newCDPSession(page);
  await page.goto(url);
  return {context, page};
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
  const {context, page} = await open();
  say({is: 'open'});
  for await (const line of createInterface({input: process.stdin})) {
    const {within: timeout, ...step} = JSON.parse(line);
    try {
      const is = await steps[step.do](page.locator(step.at ?? 'body'), {...step, timeout});
      say({is: step.do === 'go' || step.do === 'reload' ? null : (is ?? null)});
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
