"""Gives zeros without end to GET, takes whatever POST brings."""
import http.server, socketserver, sys

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(1 << 40))
        self.end_headers()
        try:
            while True:
                self.wfile.write(bytes(1 << 14))
        except OSError:
            self.close_connection = True

    def do_POST(self):
        left = int(self.headers["Content-Length"])
        while left:
            data = self.rfile.read(min(left, 1 << 14))
            if not data:
                self.close_connection = True
                return
            left -= len(data)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass

class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

server = Server((sys.argv[1], 8080), Handler)
print("ready", flush=True)
server.serve_forever()
