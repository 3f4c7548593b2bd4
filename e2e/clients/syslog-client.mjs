// Logs through syslog-client to the port given, over udp or tcp, in both of its forms.
import syslog from 'syslog-client';

const [port, transport] = process.argv.slice(2);
const client = syslog.createClient('127.0.0.1', {
  port: Number(port),
  transport: transport === 'tcp' ? syslog.Transport.Tcp : syslog.Transport.Udp,
  syslogHostname: 'web-1',
  appName: 'shop',
  facility: syslog.Facility.Local0,
});
client.on('error', (error) => {
  console.error(String(error));
  process.exit(1);
});

const log = (message, options) =>
  new Promise((done, failed) => client.log(message, options, (error) => (error ? failed(error) : done())));
await log('Order placed é', { rfc3164: false, severity: syslog.Severity.Warning, msgid: 'ORDER' });
await log('Order: failed', { rfc3164: true, severity: syslog.Severity.Error });
if (transport === 'tcp') {
  client.transport_.end(); // close() destroys the connection with what is still to be sent
} else {
  client.close();
}
