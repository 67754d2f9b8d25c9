// One signing stack behind a line of JSON in and a line of JSON out. It times itself, so the pipe costs it nothing.
import {createInterface} from 'node:readline';

const stack = process.argv[2];
const [vc, {DataIntegrityProof}, Multikey, {cryptosuite}] = await Promise.all([
  import(`${stack}/vc`),
  import(`${stack}/data-integrity`),
  import(`${stack}/ed25519-multikey`),
  import(`${stack}/eddsa-rdfc-2022-cryptosuite`),
]);

let known, signer, unsigned, signed;
let turn = 0;

async function documentLoader(url) {
  if(!(url in known)) {
    throw new Error(`Not at hand: ${url}`);
  }
  return {contextUrl: null, documentUrl: url, document: known[url]};
}

async function setUp({documents, key, badges, secured}) {
  known = documents;
  signer = (await Multikey.from(key)).signer();
  unsigned = badges;
  signed = secured;
}

async function sign() {
  const credential = structuredClone(unsigned[turn++ % unsigned.length]);
  const started = performance.now();
  const suite = new DataIntegrityProof({signer, cryptosuite});
  const text = JSON.stringify(await vc.issue({credential, suite, documentLoader}));
  const ended = performance.now();
  return {seconds: (ended - started) / 1000, text};
}

async function verify() {
  const text = signed[turn++ % signed.length];
  const started = performance.now();
  const result = await vc.verifyCredential({
    credential: JSON.parse(text),
    suite: new DataIntegrityProof({cryptosuite}),
    documentLoader,
    // The bench is about the proof: the list is not looked at, but the library insists on being told so.
    checkStatus: async () => ({verified: true}),
  });
  const ended = performance.now();
  if(!result.verified) {
    throw result.error;
  }
  return {seconds: (ended - started) / 1000};
}

async function answer({op, count, ...rest}) {
  if(op === 'setup') {
    await setUp(rest);
    return {};
  }
  const seconds = [];
  let last;
  for(let i = 0; i < count; ++i) {
    last = await (op === 'sign' ? sign() : verify());
    seconds.push(last.seconds);
  }
  return {seconds, text: last?.text};
}

for await (const line of createInterface({input: process.stdin})) {
  let reply;
  try {
    reply = await answer(JSON.parse(line));
  } catch(error) {
    reply = {error: String(error), causes: (error?.errors ?? []).map(String)};
  }
  process.stdout.write(JSON.stringify(reply) + '\n');
}
