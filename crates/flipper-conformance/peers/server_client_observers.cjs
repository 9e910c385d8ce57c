// Two observers of a desktop, as scripts write them: flipper-server-client, the ids of both counted from 1. Run with the
// port of the UI and a token. Prints what they see as JSON, one thing a line.
'use strict';

global.WebSocket = require('ws');
const {createFlipperServer} = require('flipper-server-client');

const [port, token, collide] = process.argv.slice(2);

async function main() {
  const connect = () => createFlipperServer('localhost', Number(port), () => token, () => {});
  const [one, other] = await Promise.all([connect(), connect()]);
  const heard = [[], []];
  [one, other].forEach((server, index) => {
    server.on('client-message', ({id, message}) => heard[index].push({id, message: JSON.parse(message)}));
  });

  const say = (what, value) => console.log(JSON.stringify([what, value]));
  const clients = await until(async () => {
    const list = await one.exec('client-list');
    return list.length > 0 && list;
  });
  const {id, query} = clients[0];
  say('state', (await one.exec('get-server-state')).state);
  say('id', id);
  say('query', query);
  say('found', (await other.exec('client-find', id)).id === id);
  say('not found', (await other.exec('client-find', 'nobody')) === undefined);

  let next = 0;
  // The official desktop forwards ids as they are: two observers there must not use the same ones.
  const ask = (server, method, params) => {
    const id_ = collide === 'collide' ? 1 : ++next;
    return server.exec('client-request-response', id, {id: id_, method, params}).then(answer => {
      const {id: answered, ...rest} = answer;
      return {...rest, 'has its id': answered === id_};
    });
  };
  const execute = (server, method, params) => ask(server, 'execute', {api: 'Example', method, params});
  say('plugins', await ask(one, 'getPlugins'));
  say('background plugins', await ask(other, 'getBackgroundPlugins'));
  say('init', (await one.exec('client-request', id, {method: 'init', params: {plugin: 'Example'}})) ?? null);
  say('supported', await ask(one, 'isMethodSupported', {api: 'Example', method: 'echo'}));
  say('not supported', await ask(one, 'isMethodSupported', {api: 'Example', method: 'nothing'}));
  say('success', await execute(one, 'reverse', {word: 'Flipper é'}));
  say('error', await execute(one, 'fail', {}));
  const words = ['one', 'other'];
  say('at once', await Promise.all([one, other].map((server, n) => execute(server, 'reverse', {word: words[n]}))));
  say('emit', await execute(one, 'emit', {count: 3, size: 2}));
  await until(async () => heard.every(messages => messages.length >= 3));
  say('heard', heard);
  const lost = await one.exec('client-request-response', 'nobody', {id: 1, method: 'getPlugins'});
  const says = /no longer connected, failed to deliver/.test(lost.error.message);
  say('to nobody', {name: lost.error.name, length: lost.length, says});
  say('no command', await one.exec('no-such-command').then(() => 'done', error => typeof error));
  say('deinit', (await one.exec('client-request', id, {method: 'deinit', params: {plugin: 'Example'}})) ?? null);
  process.exit(0);
}

// There is no event for everything that is waited for.
async function until(there) {
  for (;;) {
    const it = await there();
    if (it) {
      return it;
    }
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}

main().catch(error => {
  console.error(error);
  process.exit(1);
});
