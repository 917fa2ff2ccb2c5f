package io.sluice.dns;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.xbill.DNS.DClass;
import org.xbill.DNS.Flags;
import org.xbill.DNS.Message;
import org.xbill.DNS.Name;
import org.xbill.DNS.Record;
import org.xbill.DNS.Section;
import org.xbill.DNS.Type;

/** A name server that says what the test wants, over UDP and TCP. */
public final class ScriptedUpstream implements AutoCloseable {

    /** Octets to send back, one datagram each. */
    public interface Script {
        List<byte[]> answers(Message query, boolean stream) throws IOException;
    }

    private final DatagramSocket udp;
    private final ServerSocket tcp;
    private final List<String> asked = new CopyOnWriteArrayList<>();
    private final List<String> withEdns = new CopyOnWriteArrayList<>();
    private final Set<Integer> clientPorts = ConcurrentHashMap.newKeySet();
    private volatile Script script;

    public ScriptedUpstream(Script script) throws IOException {
        this.script = script;
        InetAddress loopback = InetAddress.getByAddress(new byte[] {127, 0, 0, 1});
        tcp = new ServerSocket(0, 50, loopback);
        udp = new DatagramSocket(tcp.getLocalPort(), loopback);
        Thread.ofVirtual().start(this::serveUdp);
        Thread.ofVirtual().start(this::serveTcp);
    }

    public InetSocketAddress address() {
        return (InetSocketAddress) udp.getLocalSocketAddress();
    }

    public void script(Script next) {
        script = next;
    }

    /** {@code name TYPE} of what was asked, health checks and probes left out; TCP with {@code /tcp}. */
    public List<String> asked() {
        return asked;
    }

    /** The same, with {@code edns} behind questions that had an OPT record. */
    public List<String> askedWithEdns() {
        return withEdns;
    }

    public Set<Integer> clientPorts() {
        return clientPorts;
    }

    private void serveUdp() {
        byte[] buffer = new byte[65_535];
        while (!udp.isClosed()) {
            try {
                DatagramPacket packet = new DatagramPacket(buffer, buffer.length);
                udp.receive(packet);
                for (byte[] answer : answers(Arrays.copyOf(buffer, packet.getLength()), false, packet.getPort())) {
                    udp.send(new DatagramPacket(answer, answer.length, packet.getSocketAddress()));
                }
            } catch (IOException e) {
                // closed, or a client that is gone
            }
        }
    }

    private void serveTcp() {
        while (!tcp.isClosed()) {
            try (Socket socket = tcp.accept()) {
                Message query = Wire.receive(socket);
                for (byte[] answer : answers(query.toWire(), true, socket.getPort())) {
                    Wire.reply(socket, answer);
                }
            } catch (IOException e) {
                // closed, or a client that is gone
            }
        }
    }

    private List<byte[]> answers(byte[] octets, boolean stream, int port) throws IOException {
        Message query = new Message(octets);
        Record question = query.getQuestion();
        if (question.getType() != Type.HINFO && !question.getName().equals(Name.root)) {
            String line = question.getName() + " " + Type.string(question.getType()) + (stream ? "/tcp" : "");
            asked.add(line);
            withEdns.add(line + (query.getOPT() == null ? "" : " edns"));
            clientPorts.add(port);
        }
        return script.answers(query, stream);
    }

    /** An answer to {@code query} with {@code records} written as {@code owner ttl type data}. */
    public static Message answer(Message query, int rcode, int section, String... records) {
        Message answer = new Message(query.getHeader().getID());
        answer.getHeader().setFlag(Flags.QR);
        answer.getHeader().setFlag(Flags.RA);
        answer.getHeader().setRcode(rcode);
        answer.addRecord(query.getQuestion(), Section.QUESTION);
        for (String text : records) {
            String[] words = text.split(" ", 4);
            try {
                answer.addRecord(Record.fromString(Name.fromString(words[0]), Type.value(words[2]), DClass.IN,
                        Long.parseLong(words[1]), words[3], Name.root), section);
            } catch (IOException e) {
                throw new IllegalArgumentException(text, e);
            }
        }
        return answer;
    }

    /** From now on TCP is refused. */
    public void refuseTcp() throws IOException {
        tcp.close();
    }

    @Override
    public void close() throws IOException {
        udp.close();
        tcp.close();
    }
}
