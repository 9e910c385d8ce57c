// A client made from the protocol's description alone: OpenSSL makes its key and its request, `ws` is its socket, and
// Node's own TLS checks the desktop as strictly as it checks any server.
//
//   node by_hand_client.cjs --exchange-port P --secure-port P --dir DIR --app NAME --app-id ID [--csr-version 1]
//     [--query-csr escaped|raw|cut] [--tls 1.2] [--origin yes] [--ack yes] [--bare yes] [--private DIR]
//
// Its key and its request are in `--private`, else in `--dir`, where the desktop is to deliver.
// It is told what to do by lines on its standard input (`request`, `exchange`, `connect`, `emit`, `close`), and tells
// what happened as one JSON object a line.
'use strict';

const {execFileSync} = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');
const WebSocket = require('ws');

const flags = {};
for (let at = 2; at + 1 < process.argv.length; at += 2) {
  flags[process.argv[at].slice(2)] = process.argv[at + 1];
}
const own = (name) => path.join(flags.private ?? flags.dir, name);
const delivered = (name) => path.join(flags.dir, name);
const tell = (step, rest = {}) => console.log(JSON.stringify({step, ...rest}));

let deviceId = 'unknown';
let session;

function request() {
  execFileSync('openssl', ['genrsa', '-out', own('privateKey.pem'), '2048'], {stdio: 'ignore'});
  const subject = `/C=US/ST=CA/L=Menlo Park/O=Flipper/CN=${flags['app-id']}`;
  execFileSync('openssl', ['req', '-new', '-sha256', '-key', own('privateKey.pem'), '-subj', subject, '-out', own('app.csr')]);
  if (flags['csr-version'] === '1') {
    fs.writeFileSync(own('app.csr'), withVersion1(fs.readFileSync(own('app.csr'), 'utf8')));
  }
  tell('requested');
}

// The official C++ client writes 1 where PKCS#10 says 0, and OpenSSL's command cannot.
function withVersion1(pem) {
  const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  const [outer] = elements(der);
  const [info, algorithm] = elements(outer.content);
  const changed = Buffer.from(info.whole);
  const version = changed.indexOf(Buffer.from([0x02, 0x01, 0x00]));
  changed[version + 2] = 1;
  const signature = crypto.sign('sha256', changed, fs.readFileSync(own('privateKey.pem')));
  const bits = element(0x03, Buffer.concat([Buffer.from([0]), signature]));
  const base64 = element(0x30, Buffer.concat([changed, algorithm.whole, bits])).toString('base64');
  return `-----BEGIN CERTIFICATE REQUEST-----\n${base64.match(/.{1,64}/g).join('\n')}\n-----END CERTIFICATE REQUEST-----\n`;
}

function elements(der) {
  const found = [];
  for (let at = 0; at < der.length; ) {
    let [start, length] = [at + 2, der[at + 1]];
    if (length > 0x80) {
      start += length - 0x80;
      length = der.subarray(at + 2, start).reduce((sum, byte) => sum * 256 + byte, 0);
    }
    found.push({whole: der.subarray(at, start + length), content: der.subarray(start, start + length)});
    at = start + length;
  }
  return found;
}

function element(tag, content) {
  const length = content.length < 0x80 ? [content.length] : [0x82, content.length >> 8, content.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

function query(rest) {
  const identity = {os: 'MacOS', device: 'by hand', device_id: deviceId, app: flags.app, app_id: flags['app-id'], sdk_version: '4', medium: '1'};
  return new URLSearchParams(identity).toString() + rest;
}

function exchange() {
  const port = flags['exchange-port'];
  const options = flags.origin ? {origin: `http://localhost:${port}`} : {};
  const socket = new WebSocket(`ws://localhost:${port}/sonar?${query('')}`, options);
  const described = {csr: fs.readFileSync(own('app.csr'), 'utf8'), destination: `${flags.dir}/`, medium: 1};
  const whole = {method: 'signCertificate', ...described, timestamp: Date.now(), logs: [`${Date.now()}:info:made by hand`]};
  socket.on('open', () => socket.send(JSON.stringify(flags.bare ? {method: 'signCertificate', ...described} : whole)));
  socket.on('error', (error) => tell('failed', {error: error.message}));
  socket.on('message', (text) => {
    const answer = JSON.parse(text);
    deviceId = answer.deviceId ?? deviceId;
    if (flags.ack) {
      const config = {deviceId, medium: 1};
      socket.send(JSON.stringify({method: 'signCertificateAck', isError: false, config, hasRequiredFiles: true, logs: []}));
    }
    socket.close();
    tell('exchanged', {answer});
  });
}

function connect() {
  const port = flags['secure-port'];
  const csr = fs.readFileSync(own('app.csr')).toString('base64');
  const sent = {escaped: encodeURIComponent(csr), raw: csr, cut: csr.slice(0, -1)}[flags['query-csr'] ?? 'escaped'];
  session = new WebSocket(`wss://localhost:${port}/?${query(`&csr=${sent}&csr_path=${encodeURIComponent(`${flags.dir}/`)}`)}`, {
    key: fs.readFileSync(own('privateKey.pem')),
    cert: fs.readFileSync(delivered('device.crt')),
    ca: fs.readFileSync(delivered('sonarCA.crt')),
    maxVersion: flags.tls === '1.2' ? 'TLSv1.2' : 'TLSv1.3',
    ...(flags.origin ? {origin: `https://localhost:${port}`} : {}),
  });
  session.on('open', () => tell('connected', {tls: session._socket.getProtocol()}));
  session.on('error', (error) => tell('failed', {error: error.message}));
  session.on('close', (code, reason) => tell('closed', {code, reason: reason.toString()}));
  session.on('message', (text) => {
    const {id, method, params} = JSON.parse(text);
    const answer = (body) => session.send(JSON.stringify({id, ...body}));
    if (method === 'getPlugins' || method === 'getBackgroundPlugins') {
      answer({success: {plugins: ['ByHand']}});
    } else if (method === 'execute' && params.method === 'reverse') {
      answer({success: {word: [...params.params.word].reverse().join('')}});
    } else if (id !== undefined) {
      answer({error: {message: `Receiver ${params?.method} not found.`}});
    }
  });
}

function emit() {
  session.send(JSON.stringify({method: 'execute', params: {api: 'ByHand', method: 'row', params: {index: 1}}}));
}

const steps = {request, exchange, connect, emit, close: () => session.close(1000)};
const lines = readline.createInterface({input: process.stdin});
lines.on('line', (line) => steps[line]());
// Ends with whoever runs it.
lines.on('close', () => process.exit(0));
