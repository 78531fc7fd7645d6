// Sends with Google's client for Node.js, by `sendEach`.
//
//   NODE_EXTRA_CA_CERTS=PEM node firebase_admin.mjs GATEWAY COUNT

import { initializeApp } from 'firebase-admin/app';
import { getMessaging } from 'firebase-admin/messaging';
import { count, measure, message, redirect, token } from './sending.mjs';

// The most that one call takes; each call has a connection of its own.
const AT_ONCE = 500;
const CALLS = 4;

redirect();
const app = initializeApp({
  projectId: 'demo',
  credential: { getAccessToken: async () => ({ access_token: 'token', expires_in: 3600 }) },
});
const messaging = getMessaging(app);
let next = 0;

async function work() {
  let accepted = 0;
  while (next < count) {
    const first = next;
    next = Math.min(next + AT_ONCE, count);
    const messages = Array.from({ length: next - first }, (_, i) => ({
      ...message(first + i),
      token: token(first + i),
    }));
    accepted += (await messaging.sendEach(messages)).successCount;
  }
  return accepted;
}

await measure(async () => {
  const accepted = await Promise.all(Array.from({ length: CALLS }, work));
  return accepted.reduce((sum, some) => sum + some, 0);
});
