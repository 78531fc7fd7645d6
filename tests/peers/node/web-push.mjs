// The push service of web-push-testing, and in front of it a server that speaks HTTP/2, as push
// services do, and passes everything on as it is. Prints the ports of both.

import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { PushApiModel } = require('web-push-testing/src/PushApiModel.js');
const WebPushTestingServer = require('web-push-testing/src/server.js');

const freePort = () =>
  new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

const port = await freePort();
new WebPushTestingServer(new PushApiModel(), port).startServer();

const front = http2.createServer((request, response) => {
  const headers = Object.entries(request.headers).filter(([name]) => !name.startsWith(':'));
  const passedOn = http.request(
    { host: 'localhost', port, method: request.method, path: request.url, headers: Object.fromEntries(headers) },
    (answer) => {
      response.writeHead(answer.statusCode);
      answer.pipe(response);
    },
  );
  passedOn.on('error', () => {
    response.writeHead(502);
    response.end();
  });
  request.pipe(passedOn);
});
front.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ service: port, front: front.address().port }));
});

// Whoever started it ends it by closing its input.
process.stdin.on('end', () => process.exit()).resume();
