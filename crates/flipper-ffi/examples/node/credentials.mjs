// The credentials of an app in a private directory: one folder a generation, and a file that points to the one in use.
// OpenSSL's command makes the key and the request, which Node cannot.

import {execFileSync} from 'node:child_process';
import {X509Certificate, createPrivateKey} from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

// Whatever is written is for its owner alone.
process.umask(0o077);

export class Credentials {
  constructor(directory, appId) {
    this.directory = path.resolve(directory);
    this.appId = appId;
  }

  load() {
    const pointer = path.join(this.directory, 'current');
    return fs.existsSync(pointer) ? this.#read(Number(fs.readFileSync(pointer, 'utf8'))) : null;
  }

  prepare() {
    fs.mkdirSync(this.directory, {recursive: true});
    let generation = Math.max(0, ...this.#generations()) + 1;
    const folder = this.#folder(generation);
    fs.mkdirSync(folder);
    const [key, request] = ['privateKey.pem', 'app.csr'].map((name) => path.join(folder, name));
    const subject = `/C=US/ST=CA/L=Menlo Park/O=Flipper/CN=${this.appId}`;
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    execFileSync('openssl', ['req', '-new', '-sha256', ...kind, '-keyout', key, '-subj', subject, '-out', request], {stdio: 'pipe'});
    return {generation, csr: fs.readFileSync(request, 'utf8'), destination: folder + path.sep};
  }

  store(generation, config) {
    const folder = this.#folder(generation);
    if (!fs.existsSync(path.join(folder, 'device.crt'))) {
      throw new Error(`the desktop answered, but device.crt is not in ${folder}: run it where it sees this directory`);
    }
    for (const name of ['sonarCA.crt', 'device.crt']) {
      // The desktop wrote them: others may own them, or be able to read them.
      this.#write(path.join(folder, name), fs.readFileSync(path.join(folder, name)));
    }
    const {ca, cert, key} = this.tls(generation);
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
      throw new Error('device.crt is a certificate of another key than the app\'s');
    }
    if (!new X509Certificate(cert).verify(new X509Certificate(ca).publicKey)) {
      throw new Error('device.crt was not issued by the CA in sonarCA.crt');
    }
    this.#write(path.join(folder, 'connection_config.json'), JSON.stringify(config));
    return this.#read(generation);
  }

  promote(generation) {
    this.#write(path.join(this.directory, 'current'), `${generation}\n`);
  }

  discard(generation) {
    fs.rmSync(this.#folder(generation), {recursive: true, force: true});
  }

  prune() {
    const current = Number(fs.readFileSync(path.join(this.directory, 'current'), 'utf8'));
    this.#generations().filter((generation) => generation < current).forEach((generation) => this.discard(generation));
  }

  // What a connection needs: who this is, and the one CA that is trusted.
  tls(generation) {
    const read = (name) => fs.readFileSync(path.join(this.#folder(generation), name));
    return {ca: read('sonarCA.crt'), cert: read('device.crt'), key: read('privateKey.pem')};
  }

  #read(generation) {
    const folder = this.#folder(generation);
    const {ca, cert} = this.tls(generation);
    const ends = [ca, cert].map((pem) => Date.parse(new X509Certificate(pem).validTo));
    return {
      generation,
      ...JSON.parse(fs.readFileSync(path.join(folder, 'connection_config.json'), 'utf8')),
      csr: fs.readFileSync(path.join(folder, 'app.csr'), 'utf8'),
      csrPath: folder + path.sep,
      validForMs: Math.max(0, Math.min(...ends) - Date.now()),
    };
  }

  // At once, and for good.
  #write(file, content) {
    fs.writeFileSync(`${file}.tmp`, content, {flush: true});
    fs.renameSync(`${file}.tmp`, file);
  }

  #folder(generation) {
    return path.join(this.directory, String(generation));
  }

  #generations() {
    return fs.readdirSync(this.directory).filter((name) => /^[1-9]\d*$/.test(name)).map(Number);
  }
}
