import assert from 'node:assert/strict';
import { once } from 'node:events';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { test } from 'node:test';
import type { FastifyRequest } from 'fastify';
import { tokenPrincipal } from '../accounts/principal.ts';
import { KeptKind } from '../base/kept-kinds.ts';
import { Ledger } from '../base/ledger.ts';
import { bookForRequest } from './request-bookings.ts';

const COST = { kind: KeptKind.FRAME, bytes: 100 };

test('a response that waits behind others ends with its connection, and what comes later is not booked', async () => {
  const ledger = new Ledger();
  const socket = new Socket();
  const raw = new IncomingMessage(socket);
  const request = { principal: tokenPrincipal('digest'), address: '127.0.0.1', raw } as FastifyRequest;
  // As Node has it: it gets the socket when those before it have gone.
  const response = new ServerResponse(raw);
  let closes = 0;
  response.on('close', () => closes++);
  const booked = (): number => ledger.totals()[KeptKind.FRAME]!.count;
  assert.ok(bookForRequest(ledger, request, response, COST));
  assert.ok(bookForRequest(ledger, request, response, COST));
  assert.equal(booked(), 2);
  socket.destroy();
  await once(socket, 'close');
  assert.deepEqual([booked(), closes], [0, 1]);
  assert.ok(bookForRequest(ledger, request, response, COST));
  assert.equal(booked(), 0);
});
