// Looks at the desktop's own page: `src/page.rs` runs it. Its steps are those of `browser.cjs`, and some more.
'use strict';

const {readFileSync} = require('node:fs');
const browser = require('./browser.cjs');

const [url, program, profile] = process.argv.slice(2);
const {origin} = new URL(url);
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

// What the page's console has said, and what it has asked of others, since that was last asked for.
const complaints = [];

const steps = {
  ...browser.steps,
  choose: (at, {timeout, text}) => at.first().selectOption(text, {timeout}),
  find: (at, {timeout}) => at.first().waitFor({timeout, state: 'attached'}),
  value: (at, {timeout}) => at.first().inputValue({timeout}),
  // To another part of the page, or with a new address to the page itself.
  go: async (at, {timeout, to}) => {
    await at.page().goto(new URL(to, url).href, {timeout});
  },
  reload: async (at, {timeout}) => {
    await at.page().reload({timeout});
  },
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
  picture: (at, step) => browser.picture(at.page(), step),
};

let page;
let session;

async function open() {
  const context = await browser.launch(program, profile, {viewport: {width: 1280, height: 800}, colorScheme: 'light'});
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], {origin});
  page = context.pages()[0] ?? (await context.newPage());
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error.stack ?? error}`));
  page.on('dialog', (dialog) => complaints.push(`a dialog: ${dialog.message()}`) && dialog.dismiss());
  page.on('request', (request) => {
    const asked = new URL(request.url());
    if (asked.host !== new URL(url).host && !['blob:', 'data:'].includes(asked.protocol)) complaints.push(`asked for ${request.url()}`);
  });
  session = await context.newCDPSession(page);
  await page.goto(url);
  return context;
}

browser.serve(
  open,
  () => page,
  (at, step) => steps[step.do](at, step),
);
