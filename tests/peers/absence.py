"""Nobody listens for a while: connections are refused, as they are while a server restarts."""
import socket
import threading


def leave(front, seconds):
    """Idle connections end, those that are in the middle of a request go on."""
    held = {origin: hold(listener.getsockname()[1]) for origin, listener in front.listeners.items()}
    for listener in front.listeners.values():
        stop(listener)
    end_idle(front)
    threading.Thread(target=come_back, args=(front, held, seconds), daemon=True).start()


def hold(port):
    """Bound and not listening: refuses connections, and keeps the port for our return."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind(("127.0.0.1", port))
    return sock


def stop(listener):
    # shutdown wakes the thread in accept(); close alone would leave it there
    try:
        listener.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    listener.close()


def end_idle(front):
    busy = {entry["connection"] for entry in front.record.where(end=None)}
    with front.lock:
        idle = [c for c in front.connections if c.number not in busy]
    for connection in idle:
        try:
            connection.stream.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def come_back(front, held, seconds):
    front.wait(seconds)
    for origin, sock in held.items():
        sock.listen(128)
        front.listeners[origin] = sock
        threading.Thread(target=front.accept, args=(origin, sock), daemon=True).start()
    if front.closing.is_set():
        for sock in held.values():
            stop(sock)
