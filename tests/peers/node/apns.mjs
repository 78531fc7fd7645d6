// A client of APNs with the key KEY (.p8) sends to TOKENS, and prints what came of each.

import './in-clear.mjs';
import apn from '@parse/node-apn';

const provider = new apn.Provider({
  token: { key: process.env.KEY, keyId: 'KEY1234567', teamId: 'TEAM123456' },
  production: true,
});

const note = new apn.Notification();
note.topic = 'com.example.app';
note.alert = { title: 'A signal', body: 'The beacon is lit.' };
note.collapseId = 'collapse-1';
note.payload = { push_id: 'push-1' };

// One after the other: Apple's SETTINGS would hold back the second until the first is answered,
// and the sink, which does not know at first for which gateway a connection is, has none such.
const outcomes = {};
for (const token of process.env.TOKENS.split(',')) {
  const { failed } = await provider.send(note, token);
  const [failure] = failed;
  outcomes[token] = failure ? `${failure.status} ${failure.response?.reason ?? failure.error}` : 'sent';
}
console.log(JSON.stringify(outcomes));
process.exit();
