// What the programs have in common that look at a page in a headless Chromium, and do there what a person would do.
//
// Each line of standard input is a step, such as `{"do": "click", "at": "text=Network", "within": 1000}`; each line of
// standard output is the answer to one, `{"is": …}` or `{"failed": …, "page": …}`. `at` is a selector of Playwright's.
// Steps wait by themselves until they can be done, at most `within` milliseconds. A program ends with its standard input.
'use strict';

const {mkdirSync} = require('node:fs');
const {dirname} = require('node:path');
const {createInterface} = require('node:readline');
const {chromium} = require('playwright-core');

const PATIENCE_AFTER_FAILURE = 5000;

exports.steps = {
  click: (at, {timeout}) => at.first().click({timeout}),
  fill: (at, {timeout, text}) => at.first().fill(text, {timeout}),
  press: (at, {timeout, key}) => at.first().press(key, {timeout}),
  see: (at, {timeout}) => at.first().waitFor({timeout}),
  miss: (at, {timeout}) => at.first().waitFor({timeout, state: 'hidden'}),
  text: (at, {timeout}) => at.first().innerText({timeout}),
  texts: (at) => at.allInnerTexts(),
};

exports.picture = async (page, {timeout, to}) => {
  mkdirSync(dirname(to), {recursive: true});
  await page.screenshot({timeout, path: to, animations: 'disabled', caret: 'hide'});
};

exports.launch = (program, profile, settings) =>
  chromium.launchPersistentContext(profile, {
    executablePath: program,
    headless: true,
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
    ...settings,
  });

// Opens the browser with `open`, and answers each step with what `act` makes of it on the page that `pageOf` it is for.
exports.serve = async (open, pageOf, act) => {
  try {
    const context = await open();
    say({is: 'open'});
    for await (const line of createInterface({input: process.stdin})) {
      const {within: timeout, ...step} = JSON.parse(line);
      const page = pageOf(step);
      try {
        say({is: (await act(page.locator(step.at ?? 'body'), {...step, timeout})) ?? null});
      } catch (error) {
        say(await failure(page, step, error));
      }
    }
    await context.close();
    process.exit();
  } catch (error) {
    say({failed: String(error.stack ?? error), page: '(it is not open)'});
    process.exit(1);
  }
};

function say(answer) {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
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
