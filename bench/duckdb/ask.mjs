// DuckDB over a Parquet file, asked from standard input.
//
//   node ask.mjs load EVENTS PARQUET    writes the events of a file of JSON lines as Parquet and ends
//   node ask.mjs ask PARQUET            for each line, SQL as a JSON string, answers with a line {ms, cpu, rows}
//
// ms and cpu (of the whole process, DuckDB's threads included) are from handing over the SQL until DuckDB has all of the result; rendering rows is not in them.
import { createInterface } from 'node:readline';
import { DuckDBInstance } from '@duckdb/node-api';

const instance = await DuckDBInstance.create(':memory:');
const db = await instance.connect();
const quoted = (text) => `'${text.replaceAll("'", "''")}'`;
const [mode, ...files] = process.argv.slice(2);

if (mode === 'load') {
  const [events, parquet] = files;
  // The types are those that DuckDB finds in all of the events; of times it would keep six digits, where the events have seven.
  await db.run(`copy (select * replace (_time::timestamp_ns as _time) from read_json(${quoted(events)}, format = 'newline_delimited', sample_size = -1))
    to ${quoted(parquet)} (format parquet, compression zstd)`);
} else {
  await db.run(`create view events as select * from read_parquet(${quoted(files[0])})`);
  process.stdout.write('ready\n');
  for await (const line of createInterface({ input: process.stdin })) {
    const sql = JSON.parse(line);
    const cpu = process.cpuUsage();
    const begun = performance.now();
    const result = await db.runAndReadAll(sql);
    const ms = performance.now() - begun;
    const used = process.cpuUsage(cpu);
    process.stdout.write(JSON.stringify({ ms, cpu: (used.user + used.system) / 1e3, rows: result.getRowsJson() }) + '\n');
  }
}
db.closeSync();
