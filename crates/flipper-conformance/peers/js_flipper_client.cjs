// The shim of js-flipper: `flipper conformance client --browser --shim node peers/js_flipper_client.cjs` runs it.
'use strict';

const {FlipperClient} = require('js-flipper');
const WebSocket = require('ws');

const NOT_IMPLEMENTED = 89;

const flags = {};
for (let at = 2; at + 1 < process.argv.length; at += 2) {
  flags[process.argv[at]] = process.argv[at + 1];
}
// It knows no certificates.
if (flags['--browser-port'] === undefined) {
  process.exit(NOT_IMPLEMENTED);
}

class TestPlugin {
  held = [];

  getId() {
    return 'test';
  }

  runInBackground() {
    return false;
  }

  onConnect(connection) {
    connection.receive('reverse', ({word}) => ({word: [...word].reverse().join('')}));
    connection.receive('echo', (params) => params);
    connection.receive('fail', () => {
      throw new Error('This method always fails');
    });
    connection.receive('emit', ({count, size}) => {
      const data = 'x'.repeat(size);
      for (let index = 0; index < count; index++) {
        connection.send('row', {index, data});
      }
      return {queued: count};
    });
    connection.receive('hold', () => new Promise((resolve) => this.held.push(resolve)));
    connection.receive('release', () => {
      const released = this.held.length;
      this.held.splice(0).forEach((resolve) => resolve({held: true}));
      return {released};
    });
  }

  onDisconnect() {}
}

const client = new FlipperClient();
client.addPlugin(new TestPlugin());
client.start(flags['--app'], {
  urlBase: `${flags['--host']}:${flags['--browser-port']}`,
  // The official desktop lets nobody in whose Origin does not begin so.
  websocketFactory: (url) => new WebSocket(url, {origin: 'localhost:'}),
  // Default: a second.
  reconnectTimeout: 50,
  // Default: another one at every start.
  getDeviceId: () => '-conformance',
  onError: (error) => console.error(error.message ?? error),
}).catch((error) => {
  console.error(error);
  process.exit(1);
});

// Ends with whoever runs the scenarios.
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
