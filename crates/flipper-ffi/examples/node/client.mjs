// An app for Node with one plugin, `Example`: the state machine of the C library, driven by Node's event loop.
//
//   node client.mjs --library libflipper.so --header flipper.h [--host HOST] [--ports INSECURE,SECURE] [--directory DIRECTORY]
//
// The plugin answers `uptime` and `echo`, and tells `tick` every second while a desktop has initialised it. Interrupt it
// to stop it.

import {hostname} from 'node:os';
import {parseArgs} from 'node:util';
import WebSocket from 'ws';
import {Credentials} from './credentials.mjs';
import {Flipper, bytes, str} from './flipper.mjs';

const {values: flags} = parseArgs({
  options: {
    library: {type: 'string'},
    header: {type: 'string'},
    host: {type: 'string', default: 'localhost'},
    ports: {type: 'string', default: '9089,9088'},
    directory: {type: 'string', default: 'flipper-credentials'},
  },
});

const APP = 'Node client';
const APP_ID = 'com.example.node-client';
const PLUGIN = 'Example';

// How much may wait in a socket, and how large a message may be.
const ROOM = 256 * 1024;
const MAX_MESSAGE = 64 * 1024 * 1024;

const C = new Flipper(flags.library, flags.header);
const credentials = new Credentials(flags.directory, APP_ID);
const [insecurePort, securePort] = flags.ports.split(',').map(Number);
const client = C.out('flipper_client_new', C.record('flipper_client_config', {
  app: str(APP),
  app_id: str(APP_ID),
  os: str('Linux'),
  device: str(hostname()),
  device_id: str('node-client-1'),
  host: str(flags.host),
  seed: Math.floor(Math.random() * Number.MAX_SAFE_INTEGER),
  insecure_port: insecurePort,
  secure_port: securePort,
}));

const now = () => Math.floor(performance.now());
let socket; // the open WebSocket, or the one that is being opened, with its attempt
let timer;
let stopping = false;

// --- Turns: what is told leads to actions, then to events, then to a timer ---

function tell(name, ...values) {
  const result = C[`flipper_client_${name}`](client, ...values);
  if (result !== C.RESULT_OK) {
    console.log(`${name}: result ${result}`);
  }
  setImmediate(turn);
}

function turn() {
  if (socket?.readyState === WebSocket.OPEN) {
    C.flipper_client_writable(client, socket.attempt, Math.max(0, ROOM - socket.bufferedAmount), now());
  }
  for (let action; (action = C.out('flipper_client_poll_action', client)); C.flipper_action_free(action)) {
    carryOut(action);
  }
  for (let event; (event = C.out('flipper_client_poll_event', client)); C.flipper_event_free(event)) {
    happened(event);
  }
  clearTimeout(timer);
  const at = timeout();
  if (at !== undefined) {
    // The state machine ignores a time that has not come: Node's timers may be early.
    timer = setTimeout(() => tell('timeout', now()), Math.max(0, at - now()) + 1);
  } else if (stopping && !socket) {
    process.exit();
  }
}

function timeout() {
  const [reason, at] = [[null], [null]];
  C.flipper_client_poll_timeout(client, reason, at);
  return at[0] === 0xffffffffffffffffn ? undefined : Number(at[0]);
}

// --- Actions ---

function carryOut(action) {
  const number = (field) => Number(C.out('flipper_action_number', action, C[`ACTION_FIELD_${field}`]) ?? NaN);
  const text = (field) => C.text('flipper_action_text', action, C[`ACTION_FIELD_${field}`]);
  const open = socket?.attempt === number('ATTEMPT') && socket.readyState === WebSocket.OPEN ? socket : undefined;
  switch (C.flipper_action_kind_of(action)) {
    case C.ACTION_KIND_CONNECT:
      return connect(number('ATTEMPT'), text('HOST'), number('PORT'), text('TARGET'), number('GENERATION'));
    case C.ACTION_KIND_SEND:
      return open?.send(text('TEXT'), () => setImmediate(turn));
    case C.ACTION_KIND_PING:
      return open?.ping();
    case C.ACTION_KIND_CLOSE:
      return open?.close(number('CODE'));
    case C.ACTION_KIND_ABORT:
      return drop();
    case C.ACTION_KIND_JOB:
      try {
        return work(number('JOB'), number('JOB_KIND'), number('GENERATION'), {
          deviceId: text('DEVICE_ID'),
          medium: number('MEDIUM'),
          os: text('OS'),
        });
      } catch (error) {
        return tell('job_failed', number('JOB'), C.CREDENTIAL_PROBLEM_IO, ...bytes(error.message), now());
      }
  }
}

function connect(attempt, host, port, target, generation) {
  drop();
  const secure = !Number.isNaN(generation);
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const options = {perMessageDeflate: false, maxPayload: MAX_MESSAGE, ...(secure && credentials.tls(generation))};
  const opening = new WebSocket(`${secure ? 'wss' : 'ws'}://${authority}${target}`, {...options, checkServerIdentity});
  socket = Object.assign(opening, {attempt});
  let failure;
  opening.on('open', () => tell('opened', attempt, now()));
  opening.on('message', (data, isBinary) => {
    tell(isBinary ? 'binary' : 'message', attempt, data, data.length, now());
  });
  opening.on('ping', () => tell('alive', attempt, now()));
  opening.on('pong', () => tell('alive', attempt, now()));
  opening.on('unexpected-response', (request, response) => {
    failure = [C.CLOSE_KIND_HTTP, response.statusCode, ''];
    request.destroy();
    opening.terminate();
  });
  opening.on('error', (error) => (failure ??= causeOf(error, secure, opening.readyState !== WebSocket.CONNECTING)));
  opening.on('close', (code, reason) => {
    if (socket !== opening) return;
    socket = undefined;
    const [kind, status, why] = failure ?? (code === 1006 ? [C.CLOSE_KIND_EOF, 0, ''] : [C.CLOSE_KIND_CODE, code, reason]);
    tell('closed', attempt, kind, status, ...bytes(why), now());
  });
}

// The pinned CA is the identity, and not the host's name. It has issued certificates to apps as well.
function checkServerIdentity(_host, certificate) {
  const isDesktop = certificate.subjectaltname ?? certificate.subject.CN === 'localhost';
  return isDesktop ? undefined : new Error('it is an app\'s where a desktop\'s is wanted');
}

// What the reconnect policy lives on.
function causeOf({code = '', message}, secure, wasOpen) {
  const told = (kind) => [C[`CLOSE_KIND_${kind}`], 0, message];
  if (code === 'ECONNREFUSED') return told('REFUSED');
  if (code === 'ETIMEDOUT') return told('TIMEOUT');
  if (['ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'].includes(code)) return told('UNREACHABLE');
  if (code === 'CERT_HAS_EXPIRED') return told('TLS_EXPIRED');
  if (code === 'CERT_NOT_YET_VALID') return told('TLS_NOT_YET_VALID');
  if (/^(CERT_SIGNATURE_FAILURE|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_)/.test(code)) return told('TLS_UNKNOWN_CA');
  if (/^ERR_SSL_.*(CERT|UNKNOWN_CA|ACCESS_DENIED)/.test(code)) return told('TLS_PEER_REFUSED');
  if (/^ERR_SSL_|EPROTO/.test(code)) return told('TLS_HANDSHAKE');
  if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') return told('TOO_LARGE');
  if (/^WS_ERR_/.test(code)) return told('WEB_SOCKET');
  if (wasOpen) return told('RESET');
  // Over TLS 1.3 a desktop refuses a certificate only after the handshake.
  if (code === 'ECONNRESET' || /hang up/.test(message)) return told(secure ? 'DROPPED' : 'EOF');
  return told(/certificate|wanted/.test(message) ? 'TLS_BAD_CERTIFICATE' : 'BAD_UPGRADE');
}

function drop() {
  const dropped = socket;
  socket = undefined;
  dropped?.terminate();
}

function work(job, kind, generation, granted) {
  switch (kind) {
    case C.JOB_KIND_LOAD: {
      const found = credentials.load();
      return tell('job_loaded', job, found && recordOf(found), 0, null, 0, now());
    }
    case C.JOB_KIND_PREPARE: {
      const made = credentials.prepare();
      const record = {generation: made.generation, csr: str(made.csr), destination: str(made.destination), wall_ms: Date.now()};
      return tell('job_prepared', job, C.record('flipper_prepared', record), now());
    }
    case C.JOB_KIND_STORE:
      return tell('job_stored', job, recordOf(credentials.store(generation, granted)), now());
    case C.JOB_KIND_PROMOTE:
      credentials.promote(generation);
      return tell('job_done', job, now());
    case C.JOB_KIND_DISCARD:
      credentials.discard(generation);
      return tell('job_done', job, now());
    case C.JOB_KIND_PRUNE:
      credentials.prune();
      return tell('job_done', job, now());
    default:
      throw new Error('this client fetches no certificates: they come as files');
  }
}

function recordOf({generation, deviceId, os, csr, csrPath, validForMs, medium}) {
  return C.record('flipper_credentials', {
    generation,
    device_id: str(deviceId),
    ...(os !== undefined && {os: str(os)}),
    csr: str(csr),
    csr_path: str(csrPath),
    valid_until_ms: now() + validForMs,
    medium,
  });
}

// --- Events, and the plugin ---

const methods = {
  uptime: () => ({seconds: Math.floor(process.uptime())}),
  echo: (params) => params,
};

let ticking;

function happened(event) {
  const text = (field) => C.text('flipper_event_text', event, C[`EVENT_FIELD_${field}`]);
  const call = C.out('flipper_event_number', event, C.EVENT_FIELD_CALL);
  switch (C.flipper_event_kind_of(event)) {
    case C.EVENT_KIND_CONNECTED:
      clearInterval(ticking);
      ticking = setInterval(() => tell('send', ...bytes(PLUGIN), ...bytes('tick'), ...bytes(JSON.stringify(methods.uptime()))), 1000);
      return;
    case C.EVENT_KIND_DISCONNECTED:
      return clearInterval(ticking);
    case C.EVENT_KIND_CALL:
    case C.EVENT_KIND_TELL: {
      const method = text('METHOD');
      if (!Object.hasOwn(methods, method)) {
        return tell('respond_error', call, ...bytes('{"message":"this plugin has no such method"}'));
      }
      return tell('respond', call, ...bytes(JSON.stringify(methods[method](JSON.parse(text('PARAMS') ?? '{}')))));
    }
    case C.EVENT_KIND_SUPPORTS:
      return tell('respond_supported', call, Object.hasOwn(methods, text('METHOD')) ? 1 : 0);
    default:
      console.log(text('TEXT'));
  }
}

// --- The program ---

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    stopping = true;
    tell('stop', now());
  });
}
process.on('exit', () => C.flipper_client_free(client));
tell('add_plugin', ...bytes(PLUGIN), 0);
tell('start', now());
