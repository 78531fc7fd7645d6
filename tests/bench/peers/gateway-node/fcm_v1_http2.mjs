// Sends with fcm-v1-http2: one message to all tokens, for it has no other way.
//
//   NODE_EXTRA_CA_CERTS=PEM node fcm_v1_http2.mjs GATEWAY COUNT

import Client from 'fcm-v1-http2';
import { google } from 'googleapis';
import { count, measure, message, redirect, token } from './sending.mjs';

redirect();
google.auth.JWT.prototype.authorize = (done) => done(null, { access_token: 'token' });
const client = new Client({
  serviceAccount: { project_id: 'demo', client_email: 'nobody@example.com', private_key: '' },
  maxConcurrentConnections: 4,
  maxConcurrentStreamsAllowed: 100,
});
const { android, ...rest } = message(0);
const { collapseKey: collapse_key, priority, notification } = android;
const { tag, channelId: channel_id } = notification;
const tokens = Array.from({ length: count }, (_, no) => token(no));

await measure(async () => {
  const gone = await client.sendMulticast(
    { ...rest, android: { collapse_key, priority, notification: { tag, channel_id } } },
    tokens,
  );
  return count - gone.length;
});
