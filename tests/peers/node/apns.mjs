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
const tokens = process.env.TOKENS.split(',');
const { sent, failed } = await provider.send(note, tokens);

const reasons = failed.map(({ device, status, response }) => [device, `${status} ${response?.reason}`]);
console.log(JSON.stringify(Object.fromEntries([...sent.map(({ device }) => [device, 'sent']), ...reasons])));
process.exit();
