// What the clients for Node.js have in common: the messages, and how the sending is measured.
//
// NODE_EXTRA_CA_CERTS names the gateway's certificate.

import http2 from 'node:http2';
import { readFileSync } from 'node:fs';

export const [gateway, count] = [process.argv[2], Number(process.argv[3])];

/** Connections to Google go to the gateway instead. */
export function redirect() {
  const connect = http2.connect;
  http2.connect = (_, options) => {
    const session = connect(gateway, options);
    const request = session.request;
    // Strict servers refuse the scheme that firebase-admin sends, which ends with a colon.
    session.request = (headers, ...rest) => request.call(session, { ...headers, ':scheme': 'https' }, ...rest);
    return session;
  };
}

/** What one recipient is told. */
export function message(no) {
  const name = `User ${no}`;
  return {
    notification: { title: `For ${name}`, body: `${name}, your ride home is 20 % off until midnight. Show this at the door.` },
    data: { push_id: id(no), deep_link: 'app://coupons/today' },
    android: { priority: 'high', collapseKey: id(no), notification: { tag: id(no), channelId: 'campaigns' } },
  };
}

/** A registration token of the length that Firebase gives out. */
export function token(no) {
  return `${String(no).padStart(22, 'a')}:APA91b${'x'.repeat(134)}`;
}

function id(no) {
  return `00000000-0000-5000-8000-${String(no).padStart(12, '0')}`;
}

/** Runs `send`, which says how many the gateway accepted, and prints what that took. */
export async function measure(send) {
  const cpuBefore = process.cpuUsage();
  const started = process.hrtime.bigint();
  const accepted = await send();
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  const { user, system } = process.cpuUsage(cpuBefore);
  if (accepted !== count) throw new Error(`${accepted} of ${count} were accepted`);
  const [, peak] = readFileSync('/proc/self/status', 'utf8').match(/^VmHWM:\s+(\d+) kB$/m);
  console.log(
    JSON.stringify({ seconds, cpu_seconds: (user + system) / 1e6, peak_rss_bytes: Number(peak) * 1024 }),
  );
  process.exit();
}
