#!/usr/bin/perl
# Net::SMPP as a customer and as a carrier. The protocol of drivers: tests/peers/README.md.
#
# It knows no alphabets and does not split: this driver splits by the concatenation header with a 16-bit reference. As a carrier
# its receipts have their text only, with capitals and spaces of their own.
use strict;
use warnings;

use IO::Select;
use JSON::PP;
use Net::SMPP;

use constant {
    ESM_CLASS_RECEIPT => 0x04,
    ESM_CLASS_UDHI    => 0x40,
    PART_OCTETS       => 152,
    ESME_RINVDSTADR   => 0x0B,
    ESME_RINVPASWD    => 0x0E,
};
my %BINDS = (
    transceiver => [ 'bind_transceiver', Net::SMPP::CMD_bind_transceiver ],
    transmitter => [ 'bind_transmitter', Net::SMPP::CMD_bind_transmitter ],
    receiver    => [ 'bind_receiver',    Net::SMPP::CMD_bind_receiver ],
);

STDOUT->autoflush(1);
my $json   = JSON::PP->new->canonical->utf8;
my $select = IO::Select->new(\*STDIN);
my ( $session, $listener, $listening, %sessions, %answers, $reference, $count );

my %commands = (
    bind    => \&bind,
    submit  => \&submit,
    link    => sub { return ( status => ask( $session, 'enquire_link' )->status ) },
    unbind  => \&unbind,
    listen  => \&listen_for_binds,
    deliver => \&deliver,
);

# Standard input is read without Perl's buffer: select does not see what waits there.
my $input = '';
while (1) {
    # One at a time: what is done for one may read what was there of another, or end it.
    for my $ready ( ( $select->can_read )[0] ) {
        if ( $ready == \*STDIN ) {
            sysread( STDIN, $input, 65_536, length $input ) or exit 0;
            while ( $input =~ s/\A([^\n]*)\n// ) {
                my $told = $json->decode($1);
                my %answer = eval { $commands{ $told->{do} }->($told) };
                %answer = ( error => "$@" ) if $@;
                say_it( did => $told->{do}, %answer );
            }
        }
        elsif ( defined $listener && $ready == $listener ) {
            my $from = $listener->accept;
            $select->add($from);
        }
        else {
            take( $ready, read_one($ready) );
        }
    }
}

sub say_it {
    my %fields = @_;
    # Numbers stay numbers.
    $fields{$_} = $fields{$_} + 0 for grep { exists $fields{$_} } qw(status data_coding esm_class port);
    print $json->encode( \%fields ), "\n";
    return;
}

sub read_one {
    my ($from) = @_;
    my $pdu = $from->read_pdu;
    if ( !defined $pdu ) {
        $select->remove($from);
        delete $sessions{$from};
        delete $answers{$from};
        $from->close;
    }
    return $pdu;
}

# Sends a request and waits for its response; deals with what comes before it. The library's own waiting drops that.
sub ask {
    my ( $to, $method, @fields ) = @_;
    my $number = $to->$method( @fields, async => 1 );
    while ( !exists $answers{$to}{$number} ) {
        # What is dealt with meanwhile may ask by itself: each finds its own answer here.
        my $pdu = read_one($to) // last;
        if   ( $pdu->cmd & 0x80000000 ) { $answers{$to}{ $pdu->seq } = $pdu }
        else                            { take( $to, $pdu ) }
    }
    return delete $answers{$to}{$number} if exists $answers{$to}{$number};
    die "the connection ended before the answer to $method\n";
}

sub bind {
    my ($told) = @_;
    $session = Net::SMPP->new_connect( $told->{host}, port => $told->{port} ) or die "no connection: $!\n";
    my $answer = ask(
        $session, $BINDS{ $told->{mode} }[0],
        system_id => $told->{system_id},
        password  => $told->{password}
    );
    $select->add($session) if $answer->status == 0;
    return ( status => $answer->status );
}

sub submit {
    my ($told)  = @_;
    my $message = pack 'H*', $told->{octets};
    my $kind    = $told->{kind};
    my @parts   = ($message);
    my %fields  = ( data_coding => $kind eq 'unicode' ? 8 : $kind eq 'binary' ? 4 : 0, esm_class => 0 );
    if ( $kind eq 'binary' ) {
        @parts = ( pack( 'H*', $told->{udh} ) . $message );
        $fields{esm_class} = ESM_CLASS_UDHI;
    }
    elsif ( $kind eq 'long' ) {
        @parts = unpack '(a' . PART_OCTETS . ')*', $message;
        my $part = 0;
        $reference++;
        @parts = map { pack( 'CCCnCC', 6, 8, 4, $reference, scalar @parts, ++$part ) . $_ } @parts;
        $fields{esm_class} = ESM_CLASS_UDHI;
    }
    my @answers;
    for my $part (@parts) {
        my $answer = ask(
            $session, 'submit_sm',
            source_addr_ton     => 5,
            source_addr_npi     => 0,
            source_addr         => $told->{source},
            dest_addr_ton       => 1,
            dest_addr_npi       => 1,
            destination_addr    => $told->{destination},
            registered_delivery => 1,
            short_message       => $part,
            %fields
        );
        push @answers, { status => $answer->status, id => $answer->message_id // '' };
    }
    return ( answers => \@answers );
}

sub unbind {
    my $answer = ask( $session, 'unbind' );
    $select->remove($session);
    $session->close;
    return ( status => $answer->status );
}

sub listen_for_binds {
    ($listening) = @_;
    $listener = Net::SMPP->new_listen( '127.0.0.1', port => 0 ) or die "cannot listen: $!\n";
    $select->add($listener);
    return ( port => $listener->sockport );
}

sub deliver {
    my ($told) = @_;
    my ($to)   = values %sessions;
    my $answer = ask(
        $to, 'deliver_sm',
        source_addr      => $told->{source},
        destination_addr => $told->{destination},
        data_coding      => $told->{data_coding},
        short_message    => pack( 'H*', $told->{octets} )
    );
    return ( status => $answer->status );
}

# What arrived unasked.
sub take {
    my ( $from, $pdu ) = @_;
    return if !defined $pdu;
    my $command = $pdu->cmd;
    if    ( $command == Net::SMPP::CMD_enquire_link ) { keep_link( $from, $pdu ) }
    elsif ( $command == Net::SMPP::CMD_deliver_sm )   { delivered( $from, $pdu ) }
    elsif ( $command == Net::SMPP::CMD_submit_sm )    { submitted( $from, $pdu ) }
    elsif ( $command == Net::SMPP::CMD_unbind ) {
        say_it( saw => 'unbound' );
        $from->unbind_resp( seq => $pdu->seq );
    }
    else {
        bound( $from, $pdu );
    }
    return;
}

sub keep_link {
    my ( $from, $pdu ) = @_;
    say_it( saw => 'link' ) if exists $sessions{$from};
    $from->enquire_link_resp( seq => $pdu->seq );
    return;
}

sub delivered {
    my ( $from, $pdu ) = @_;
    if ( $pdu->{esm_class} & ESM_CLASS_RECEIPT ) {
        # The library leaves a receipt's text to its user.
        my ($id)    = $pdu->{short_message} =~ /id:(\S+)/;
        my ($state) = $pdu->{short_message} =~ /stat:(\S+)/;
        say_it( saw => 'receipt', id => $id, state => $state );
    }
    else {
        say_it(
            saw         => 'message',
            source      => $pdu->{source_addr},
            destination => $pdu->{destination_addr},
            data_coding => $pdu->{data_coding},
            octets      => unpack( 'H*', $pdu->{short_message} )
        );
    }
    $from->deliver_sm_resp( seq => $pdu->seq, message_id => '' );
    return;
}

sub bound {
    my ( $from, $pdu ) = @_;
    for my $mode ( sort keys %BINDS ) {
        my ( $method, $command ) = @{ $BINDS{$mode} };
        next if $pdu->cmd != $command;
        my $right = $pdu->{system_id} eq $listening->{system_id} && $pdu->{password} eq $listening->{password};
        say_it(
            saw       => 'bound',
            system_id => $pdu->{system_id},
            mode      => $mode,
            accepted  => $right ? JSON::PP::true : JSON::PP::false
        );
        $sessions{$from} = $from if $right;
        my $respond = "${method}_resp";
        $from->$respond( seq => $pdu->seq, status => $right ? 0 : ESME_RINVPASWD, system_id => 'perl' );
        return;
    }
    warn sprintf "command_id 0x%08X is not expected\n", $pdu->cmd;
    return;
}

sub submitted {
    my ( $from, $pdu ) = @_;
    if ( $pdu->{destination_addr} eq $listening->{refused} ) {
        $from->submit_sm_resp( seq => $pdu->seq, status => ESME_RINVDSTADR, message_id => '' );
        return;
    }
    my $id      = sprintf 'Perl.%d', ++$count;
    my $payload = $pdu->{message_payload};
    say_it(
        saw         => 'submitted',
        id          => $id,
        source      => $pdu->{source_addr},
        destination => $pdu->{destination_addr},
        esm_class   => $pdu->{esm_class},
        data_coding => $pdu->{data_coding},
        octets      => unpack( 'H*', $payload // $pdu->{short_message} ),
        payload     => defined $payload ? JSON::PP::true : JSON::PP::false
    );
    $from->submit_sm_resp( seq => $pdu->seq, message_id => $id );
    my $answer = ask(
        $from, 'deliver_sm',
        source_addr      => $pdu->{destination_addr},
        destination_addr => $pdu->{source_addr},
        esm_class        => ESM_CLASS_RECEIPT,
        short_message    => "ID: $id SUB:001 DLVRD:001 Submit Date:260101000000 Done Date:260101000001 Stat:DELIVRD Err: 000 Text:"
    );
    say_it( saw => 'answered', id => $id, status => $answer->status );
    return;
}
