"""Answers echo requests on an interface without an address, badly in known ways: delays all by
25 ms, drops every fifth, answers the 3rd twice, the 6th after the 7th, the 8th with another byte."""
import heapq, select, socket, struct, sys, time

def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF

link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
link.bind((sys.argv[1], 0x0800))
print("ready", flush=True)
waiting = []
while True:
    pause = max(0, waiting[0][0] - time.monotonic()) if waiting else None
    if select.select([link], [], [], pause)[0]:
        frame = link.recv(65535)
        arrived = time.monotonic()
        ip = frame[14:]
        header = (ip[0] & 15) * 4
        icmp = ip[header:struct.unpack("!H", ip[2:4])[0]]
        if ip[9] != 1 or icmp[0] != 8:
            continue
        seq = struct.unpack("!H", icmp[6:8])[0]
        if seq % 5 == 0:
            continue
        body = bytearray(icmp[4:])
        if seq == 8:
            body[-1] ^= 1
        reply = bytes([0, 0]) + struct.pack("!H", checksum(bytes(4) + bytes(body))) + bytes(body)
        head = bytearray(ip[:header])
        head[12:16], head[16:20] = head[16:20], head[12:16]
        out = frame[6:12] + frame[0:6] + frame[12:14] + bytes(head) + reply
        delay = 0.16 if seq == 6 else 0.025
        for _ in range(2 if seq == 3 else 1):
            heapq.heappush(waiting, (arrived + delay, out))
    while waiting and waiting[0][0] <= time.monotonic():
        link.send(heapq.heappop(waiting)[1])
