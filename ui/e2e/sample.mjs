// Events of a small shop that does not exist, for the tests and the README's picture.
// Deterministic: the same seed gives the same events.

export function random(seed) {
  let s = seed >>> 0;
  return () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), 1 | s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const users = ['ann', 'bela', 'chidi', 'dara', 'emre', 'freya', 'goro', "o'hara"];
const paths = ['/api/cart', '/api/orders', '/api/products/118', '/api/products/204', '/api/search', '/api/login', '/health'];
const goods = ['teapot', 'lantern', 'raincoat', 'compass', 'notebook'];

const trace = (bytes) => `Shop.Payments.GatewayException: The gateway did not answer within 5,000 ms
 ---> System.Net.Sockets.SocketException (110): Connection timed out
   at Shop.Payments.Gateway.Connect(String host) in /src/Shop.Payments/Gateway.cs:line ${40 + bytes}
   at Shop.Payments.Gateway.Charge(Order order, Card card) in /src/Shop.Payments/Gateway.cs:line 88
   --- End of inner exception stack trace ---
   at Shop.Orders.Checkout.Pay(Order order) in /src/Shop.Orders/Checkout.cs:line 132
   at Shop.Web.OrdersController.Post(OrderRequest request) in /src/Shop.Web/OrdersController.cs:line 57`;

/** CLEF objects, oldest first, count of them spread over the milliseconds before end. */
export function sample(count, { seed = 1, end = Date.now(), over = 3_600_000 } = {}) {
  const next = random(seed);
  const pick = (list) => list[Math.floor(next() * list.length)];
  const hex = (n) => Array.from({ length: n }, () => Math.floor(next() * 16).toString(16)).join('');
  const events = [];
  for (let i = 0; i < count; i++) {
    const part = (i + next()) / count;
    const at = new Date(end - over + part * over).toISOString();
    // One bad stretch, two thirds along, as real days have.
    const trouble = part > 0.62 && part < 0.7;
    const n = next();
    const common = { Application: 'Shop.Web', MachineName: pick(['web-1', 'web-2']), '@tr': hex(32), '@sp': hex(16) };
    if (n < 0.55) {
      const status = trouble && next() < 0.25 ? 502 : next() < 0.03 ? 404 : 200;
      const elapsed = Math.round((trouble ? 400 : 12) * (0.4 + 3 * next() ** 3) * 10000) / 10000;
      events.push({ '@t': at, '@mt': 'HTTP {Method} {Path} responded {StatusCode} in {Elapsed:0.0} ms', '@r': [elapsed.toFixed(1)], ...(status >= 500 ? { '@l': 'Error' } : status >= 400 ? { '@l': 'Warning' } : {}), Method: pick(['GET', 'GET', 'GET', 'POST']), Path: pick(paths), StatusCode: status, Elapsed: elapsed, User: { Name: pick(users), Id: 100 + Math.floor(next() * 40) }, ...common });
    } else if (n < 0.7) {
      events.push({ '@t': at, '@mt': '{User} put {Count} × {Product} into the cart', User: pick(users), Count: 1 + Math.floor(next() * 3), Product: pick(goods), ...common });
    } else if (n < 0.8) {
      const lines = Array.from({ length: 1 + Math.floor(next() * 3) }, () => ({ Sku: `SKU-${100 + Math.floor(next() * 900)}`, Quantity: 1 + Math.floor(next() * 3), Price: Math.round(next() * 9000) / 100 }));
      if (trouble && next() < 0.5) events.push({ '@t': at, '@mt': 'Payment of order {OrderId} failed', '@l': 'Error', '@x': trace(Math.floor(next() * 9)), OrderId: `O-${10000 + i}`, Lines: lines, 'card type': pick(['credit', 'debit']), Coupon: null, ...common });
      else events.push({ '@t': at, '@mt': 'Order {OrderId} placed by {User} for {Total} {Currency}', OrderId: `O-${10000 + i}`, User: pick(users), Total: Math.round(next() * 20000) / 100, Currency: 'EUR', Lines: lines, Gift: next() < 0.2, Coupon: next() < 0.7 ? null : 'AUTUMN', ...common });
    } else if (n < 0.93) {
      events.push({ '@t': at, '@mt': 'Cache {Cache} answered {Key} in {Elapsed} ms, hit: {Hit}', '@l': 'Debug', Cache: 'products', Key: `product:${Math.floor(next() * 400)}`, Elapsed: Math.round(next() * 300) / 100, Hit: next() < 0.9, ...common });
    } else if (n < 0.97) {
      events.push({ '@t': at, '@mt': 'Queue {Queue} holds {Waiting} messages', '@l': trouble ? 'Warning' : 'Verbose', Queue: 'mail', Waiting: Math.floor(next() * (trouble ? 900 : 20)), Batch: '635476923356034756', ...common });
    } else {
      events.push({ '@t': at, '@mt': 'Stock of {Product} is low: {Left} left', '@l': 'Warning', Product: pick(goods), Left: Math.floor(next() * 5), Tags: ['stock', 'buying'], ...common });
    }
  }
  return events;
}

export const clef = (events) => events.map((e) => JSON.stringify(e)).join('\n') + '\n';
