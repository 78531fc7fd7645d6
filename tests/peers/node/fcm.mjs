// Google's own client for servers sends to TOKENS, and prints what came of each.

import './in-clear.mjs';
import { initializeApp } from 'firebase-admin/app';
import { getMessaging } from 'firebase-admin/messaging';

const credential = { getAccessToken: async () => ({ access_token: 't0k3n', expires_in: 3600 }) };
const app = initializeApp({ credential, projectId: 'demo' });

const tokens = process.env.TOKENS.split(',');
const { responses } = await getMessaging(app).sendEach(
  tokens.map((token) => ({
    token,
    notification: { title: 'A signal', body: 'The beacon is lit.' },
    data: { push_id: `push-to-${token}` },
    android: { priority: 'high', ttl: 3600 * 1000, notification: { tag: `tag-of-${token}` } },
  })),
);
console.log(JSON.stringify(responses.map(({ success, error }) => (success ? 'sent' : error.code))));
process.exit();
