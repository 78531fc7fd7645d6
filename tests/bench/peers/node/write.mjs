// Writes listed entities with Google's client for Node.js.
//
//   DATASTORE_EMULATOR_HOST=host:port node write.mjs PROJECT LISTING
//
// A line of the listing is a batch; a batch is one `insert`, so many of them at a time. Prints
// wall and CPU time of the writing, and the peak of resident memory.

import { Datastore } from '@google-cloud/datastore';
import { createReadStream, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

// More were not found faster: one thread builds and encodes them all.
const IN_FLIGHT = 16;

const [project, listing] = process.argv.slice(2);
const datastore = new Datastore({ projectId: project });

function entity({ path, indexed = [], properties, blobs = {}, instants = {} }) {
  const data = { ...properties };
  for (const name in blobs) data[name] = Buffer.from(blobs[name], 'base64');
  for (const name in instants) data[name] = new Date(instants[name]);
  const excludeFromIndexes = [];
  for (const name in data) {
    if (indexed.includes(name)) continue;
    excludeFromIndexes.push(name);
    const nested = properties[name];
    if (typeof nested === 'object') {
      for (const member in nested) excludeFromIndexes.push(`${name}.${member}`);
    }
  }
  return { key: datastore.key(path), data, excludeFromIndexes };
}

async function work(lines) {
  for (;;) {
    const { value: line, done } = await lines.next();
    if (done) return;
    await datastore.insert(JSON.parse(line).map(entity));
  }
}

// The connection is there before the clock runs.
await datastore.get(datastore.key(['Chunk', 'none']));
const lines = createInterface({ input: createReadStream(listing), crlfDelay: Infinity })[Symbol.asyncIterator]();
const cpuBefore = process.cpuUsage();
const started = process.hrtime.bigint();
await Promise.all(Array.from({ length: IN_FLIGHT }, () => work(lines)));
const seconds = Number(process.hrtime.bigint() - started) / 1e9;
const { user, system } = process.cpuUsage(cpuBefore);
const [, peak] = readFileSync('/proc/self/status', 'utf8').match(/^VmHWM:\s+(\d+) kB$/m);
console.log(
  JSON.stringify({ seconds, cpu_seconds: (user + system) / 1e6, peak_rss_bytes: Number(peak) * 1024 }),
);
process.exit();
