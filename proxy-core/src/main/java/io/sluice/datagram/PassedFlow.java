package io.sluice.datagram;

import io.sluice.datagram.Flow.Phase;
import io.sluice.service.EndpointAddress;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInput;
import java.io.DataInputStream;
import java.io.DataOutput;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;

/**
 * A flow on its way to the process after this one; its socket to the endpoint goes beside it.
 *
 * @param scope           the interface of a client with a link-local address; 0 for others
 * @param port            the name of its Service port
 * @param fromClient      bytes that were passed on
 * @param firstReplyNanos from its beginning; negative if there was none
 */
public record PassedFlow(FlowKey key, int scope, String port, EndpointAddress endpoint, FlowLife life, long fromClient,
        long fromEndpoint, long firstReplyNanos, int moves) {

    /** Of the message; a process that finds another one begins the flows anew. */
    private static final int FORMAT = 1;
    private static final int IPV4_BYTES = 4;
    private static final int IPV6_BYTES = 16;

    /** Copies the key, which another datagram may fill. */
    public PassedFlow {
        key = key.copy();
    }

    /** Many as one message. */
    public static byte[] encode(List<PassedFlow> flows) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            out.writeByte(FORMAT);
            out.writeShort(flows.size());
            for (PassedFlow flow : flows) {
                flow.write(out);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    /**
     * The flows of a message.
     *
     * @throws IOException if it is none, or of another version
     */
    public static List<PassedFlow> decode(byte[] message) throws IOException {
        DataInputStream in = new DataInputStream(new ByteArrayInputStream(message));
        int format = in.readUnsignedByte();
        if (format != FORMAT) {
            throw new IOException("flows in a format that is not known here: " + format);
        }
        int count = in.readUnsignedShort();
        List<PassedFlow> flows = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            flows.add(read(in));
        }
        return flows;
    }

    private void write(DataOutput out) throws IOException {
        key.write(out);
        out.writeInt(scope);
        out.writeUTF(port);
        byte[] address = endpoint.ip().getAddress();
        out.writeByte(address.length);
        out.write(address);
        out.writeShort(endpoint.port());
        out.writeUTF(life.phase().name());
        out.writeBoolean(life.asking());
        out.writeInt(life.owed());
        out.writeLong(life.ageNanos());
        out.writeLong(life.silentNanos());
        out.writeLong(fromClient);
        out.writeLong(fromEndpoint);
        out.writeLong(firstReplyNanos);
        out.writeInt(moves);
    }

    private static PassedFlow read(DataInput in) throws IOException {
        FlowKey key = FlowKey.read(in);
        int scope = in.readInt();
        String port = in.readUTF();
        int length = in.readUnsignedByte();
        if (length != IPV4_BYTES && length != IPV6_BYTES) {
            throw new IOException("no address has " + length + " octets");
        }
        byte[] address = new byte[length];
        in.readFully(address);
        EndpointAddress endpoint = new EndpointAddress(InetAddress.getByAddress(address), in.readUnsignedShort());
        try {
            FlowLife life =
                    new FlowLife(Phase.valueOf(in.readUTF()), in.readBoolean(), in.readInt(), in.readLong(),
                            in.readLong());
            return new PassedFlow(key, scope, port, endpoint, life, in.readLong(), in.readLong(), in.readLong(),
                    in.readInt());
        } catch (IllegalArgumentException e) {
            throw new IOException(e.getMessage(), e);
        }
    }
}
