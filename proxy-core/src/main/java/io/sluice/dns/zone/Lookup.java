package io.sluice.dns.zone;

import org.xbill.DNS.Name;
import org.xbill.DNS.Record;

/** The result of looking a name up in a zone. */
public sealed interface Lookup {

    /** The name is in none of our zones. */
    record Outside() implements Lookup {
        static final Outside INSTANCE = new Outside();
    }

    /**
     * The name is in one of our zones and does not exist there.
     *
     * @param own whether no upstream can know the name: false for reverse names outside our ranges
     */
    record Missing(Apex apex, boolean own) implements Lookup {}

    /** The name exists, with or without records. */
    record Present(Apex apex, ZoneNode node) implements Lookup {}

    /**
     * The top of one zone.
     *
     * @param soa for the authority section of negative answers
     */
    record Apex(Name origin, Record soa) {}
}
