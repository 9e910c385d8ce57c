// The least that a Node client can do: parse, echo, stringify. Run with a directory of credentials and a port.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const {WebSocket} = require('ws');

const [directory, port] = process.argv.slice(2);
const generation = path.join(directory, fs.readFileSync(path.join(directory, 'current'), 'utf8').trim());
const read = name => fs.readFileSync(path.join(generation, name));
const socket = new WebSocket(`wss://localhost:${port}/?os=MacOS&device=bench&device_id=bench&app=Bench&sdk_version=4`, {
  ca: read('sonarCA.crt'),
  cert: read('device.crt'),
  key: read('privateKey.pem'),
  perMessageDeflate: false,
  skipUTF8Validation: false,
});

socket.on('message', data => {
  const {id, method, params} = JSON.parse(data.toString());
  if (method === 'getPlugins' || method === 'getBackgroundPlugins') {
    socket.send(JSON.stringify({id, success: {plugins: ['Example']}}));
    return;
  }
  if (method !== 'execute') {
    return;
  }
  if (params.method === 'emit') {
    const {count, size} = params.params;
    const data = 'x'.repeat(size);
    for (let index = 0; index < count; index++) {
      const params = {api: 'Example', method: 'row', params: {index, data}};
      socket.send(JSON.stringify({method: 'execute', params}));
    }
    socket.send(JSON.stringify({id, success: {queued: count}}));
    return;
  }
  socket.send(JSON.stringify({id, success: params.params}));
});
