import syslog from 'syslog-client';

export function open(url, options, onError) {
  const { hostname, port } = new URL(url);
  const client = syslog.createClient(hostname, { port: Number(port), transport: syslog.Transport.Tcp, rfc3164: false, ...options });
  client.on('error', onError);
  let waiting = [];
  return {
    emit: (n) => waiting.push(new Promise((done) => client.log(`probe ${n}`, (error) => done(error && onError(error))))),
    flush: async () => {
      await Promise.all(waiting);
      waiting = [];
    },
    close: () => client.close(),
  };
}
