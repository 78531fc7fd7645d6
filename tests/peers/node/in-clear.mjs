// Leads whoever speaks HTTP/2 over TLS to TARGET, which speaks it in clear.

import http2 from 'node:http2';

const connect = http2.connect;

http2.connect = (_authority, _options, ...listeners) => {
  const session = connect(process.env.TARGET, {}, ...listeners);
  const request = session.request.bind(session);
  session.request = (headers, options) => request({ ...headers, ':scheme': 'http' }, options);
  return session;
};
