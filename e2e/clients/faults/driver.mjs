// Drives one client by commands on standard input, for tests that stand between it and the server.
//
//   node faults/driver.mjs CLIENT URL OPTIONS      the client's own options, as JSON
//
//   emit 7         logs an event whose message is "probe 7"
//   flush          waits until the client has done with what was logged, then prints: flushed
//   an end         closes the client
//
// What the client tells the application of failures is printed as: error TEXT
import { createInterface } from 'node:readline';

const [name, url, options] = process.argv.slice(2);
const report = (error) => console.log('error ' + String(error?.stack ?? error).replaceAll('\n', ' | '));
process.on('unhandledRejection', report);
process.on('uncaughtException', report);

const { open } = await import(`./${name}.mjs`);
const client = await open(url, JSON.parse(options), report);
for await (const line of createInterface({ input: process.stdin })) {
  const [command, n] = line.split(' ');
  if (command === 'emit') {
    client.emit(Number(n));
  } else {
    await client.flush();
    console.log('flushed');
  }
}
await client.close?.();
process.exit(0);
