// Steers the demonstration's bank (services/sandbox-bank/proto/sandbox/v1/control.proto): just
// enough gRPC to open and close it.
import assert from 'node:assert/strict';
import http2 from 'node:http2';

const CLOSURE_REASONS = { hours: 1, maintenance: 2 };

/** A protobuf field of wire type 2: bytes, text or a message. */
const field = (number, content) => {
  const bytes = Buffer.from(content);
  assert.ok(bytes.length < 128, 'a length of one byte');
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
};

/** A protobuf field of wire type 0 with a small value. */
const small = (number, value) => Buffer.from([number << 3, value]);

async function call(address, method, message) {
  const session = http2.connect(address);
  try {
    return await new Promise((resolve, reject) => {
      session.once('error', reject);
      const stream = session.request({
        ':method': 'POST',
        ':path': `/renkei.sandbox.v1.SandboxControl/${method}`,
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      // A refusal comes in the headers, an answer's status in the trailers.
      stream.on('response', (headers) => settle(headers));
      stream.on('trailers', (trailers) => settle(trailers));
      stream.once('error', reject);
      stream.resume();
      const settle = ({ 'grpc-status': status, 'grpc-message': text }) => {
        if (status === undefined) return;
        if (status === '0') resolve();
        else reject(new Error(`${method}: ${status} ${decodeURIComponent(text ?? '')}`));
      };
      const head = Buffer.alloc(5);
      head.writeUInt32BE(message.length, 1);
      stream.end(Buffer.concat([head, message]));
    });
  } finally {
    session.close();
  }
}

/** Closes a bank for `hours` or `maintenance`; `open()` of the answer opens it again. */
export async function closeBank(demo, bankCode, reason) {
  const address = demo.addresses.sandbox_bank;
  const bank = field(1, bankCode);
  const closure = field(2, small(1, CLOSURE_REASONS[reason]));
  await call(address, 'SetBankClosure', Buffer.concat([bank, closure]));
  return { open: () => call(address, 'SetBankClosure', bank) };
}
