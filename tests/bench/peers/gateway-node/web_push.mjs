// Sends with web-push: one encrypted message to each subscription.
//
//   NODE_EXTRA_CA_CERTS=PEM node web_push.mjs GATEWAY COUNT

import { createECDH, randomBytes } from 'node:crypto';
import { Agent } from 'node:https';
import webPush from 'web-push';
import { count, gateway, measure, message } from './sending.mjs';

const IN_FLIGHT = 100;

const device = createECDH('prime256v1');
const keys = {
  p256dh: device.generateKeys().toString('base64url'),
  auth: randomBytes(16).toString('base64url'),
};
const { publicKey, privateKey } = webPush.generateVAPIDKeys();
const options = {
  TTL: 3600,
  agent: new Agent({ keepAlive: true, maxSockets: IN_FLIGHT }),
  vapidDetails: { subject: 'mailto:push@example.com', publicKey, privateKey },
};
let next = 0;

async function work() {
  let accepted = 0;
  while (next < count) {
    const no = next++;
    const { notification, data } = message(no);
    const subscription = { endpoint: `${gateway}/push/${no}`, keys };
    const { statusCode } = await webPush.sendNotification(
      subscription,
      JSON.stringify({ ...notification, data }),
      options,
    );
    if (statusCode === 201) accepted++;
  }
  return accepted;
}

await measure(async () => {
  const accepted = await Promise.all(Array.from({ length: IN_FLIGHT }, work));
  return accepted.reduce((sum, some) => sum + some, 0);
});
