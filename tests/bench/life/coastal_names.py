# SPDX-License-Identifier: Apache-2.0
"""Who is paid and who pays between Newcastle and Byron Bay: shops, employers, agents, utilities, offices."""
import collections
import functools
import hashlib

Party = collections.namedtuple('Party', 'name id other')    # `other`: how the same payer is written now and then
Shop = collections.namedtuple('Shop', 'name mcc country online')

TOWNS = ('COFFS HARBOUR', 'PORT MACQUARIE', 'BALLINA', 'GRAFTON', 'NAMBUCCA HDS', 'TAREE', 'LISMORE', 'BYRON BAY', 'FORSTER',
         'KEMPSEY', 'NEWCASTLE', 'WOOLGOOLGA')
FIRST = ('Jack Olivia Noah Charlotte Liam Amelia Lachlan Isla Cooper Mia Hamish Matilda Darren Kylie Shane Narelle Trevor Sharon Bruce '
         'Margaret Minh Thuy Arjun Priya Wei Mei Mohammed Fatima Giuseppe Maria Dimitri Eleni Tane Aroha Jarrah Kirra Craig Leanne').split()
LAST = ('Smith Nguyen Williams Brown Singh Wilson Taylor Kelly OBrien Papadopoulos Rossi Patel Chen Walker Campbell Murphy McDonald '
        'Sharma Harris Ryan Edwards Kaur Morris Li Bennett Fraser Donnelly Costa Vella Tran').split()

# name, code (None: the terminal's owner never told), where it is a chain the town follows
GROCERIES = [('WOOLWORTHS {n}', 5411), ('COLES {n}', 5411), ('ALDI STORES {n}', 5411), ('IGA', 5411), ('HARRIS FARM', 5411), ('SPAR EXPRESS', None)]
FUEL = [('AMPOL', 5541), ('BP CONNECT', 5541), ('7-ELEVEN {n}', 5541), ('COLES EXPRESS', 5542), ('LIBERTY FUEL', 5541), ('METRO PETROLEUM', None)]
COFFEE = [('SQ *THE HAPPY FROG', 5814), ('SMP*DRIFTWOOD CAFE', 5812), ('ZLR*JETTY ESPRESSO', None), ('GLORIA JEANS', 5814), ('SQ *OLD JOHNS', 5812)]
EATING = [('MCDONALDS', 5814), ('GUZMAN Y GOMEZ', 5814), ('DOMINOS', 5814), ('THAI RIVERSIDE', 5812), ('SURF CLUB BISTRO', 5812),
          ('UBER *EATS', 5812), ('KFC', 5814), ('FISHERMANS COOP', None)]
PUBS = [('C.EX CLUB', 7997), ('RSL CLUB', 5813), ('HOEY MOEY HOTEL', 5813), ('BWS LIQUOR', 5921), ('DAN MURPHYS', 5921), ('PIER HOTEL', 5813)]
GOODS = [('KMART', 5311), ('BIG W', 5311), ('TARGET', 5311), ('BUNNINGS {n}', 5200), ('JB HI-FI', 5732), ('REBEL SPORT', 5941),
         ('COTTON ON', 5651), ('OFFICEWORKS', 5943), ('AMAZON AU', 5942), ('EBAY AUSTRALIA', None), ('SALVOS STORES', 5931), ('TEMU', 5999)]
CHEMIST = [('CHEMIST WAREHOUSE', 5912), ('PRICELINE', 5912), ('TERRYWHITE CHEMMART', 5912), ('AMCAL', None)]
CARE = [('JUST CUTS', 7230), ('HAIR ON FIRST', 7230), ('BAY VETS', 742), ('PETBARN', 5995), ('SMILES DENTAL', 8021), ('OPSM', 8043)]
DOCTOR = [('NORTHSIDE MEDICAL CTR', 8011), ('QML PATHOLOGY', 8071), ('COAST PHYSIO', 8049)]
MOVING_ABOUT = [('LINKT TOLL', 4784), ('UBER *TRIP', 4121), ('TRANSPORT NSW OPAL', 4111), ('WILSON PARKING', 7523)]
FUN = [('STEAM PURCHASE', 5816), ('APPLE.COM/BILL', 5735), ('BCC CINEMAS', 7832), ('PLAYSTATION NETWORK', 5816), ('TICKETEK', 7922),
       ('BCF BOATING', 5941), ('SURF DIVE N SKI', 5655)]
TRAVEL = [('JETSTAR', 3169), ('QANTAS', 3012), ('VIRGIN AUSTRALIA', 4511), ('BOOKING.COM', 4722), ('BIG4 HOLIDAY PARK', 7033), ('AIRBNB', 7011)]
GAMBLING = [('SPORTSBET', 7995), ('TAB LIMITED', 7995), ('LADBROKES', 7995), ('THE LOTT', 7995)]
ABROAD = {'ID': [('WARUNG MADE UBUD', 5812), ('BINTANG SUPERMARKET', 5411), ('GRAB *RIDE', 4121), ('KUTA BEACH HOTEL', 7011)],
          'NZ': [('COUNTDOWN QUEENSTOWN', 5411), ('Z ENERGY', 5541), ('FERGBURGER', 5814), ('JUCY RENTALS', 7512)],
          'JP': [('FAMILY MART', 5499), ('JR EAST', 4112), ('NISEKO LODGE', 7011), ('DON QUIJOTE', 5311)],
          'GB': [('TESCO EXPRESS', 5411), ('TFL TRAVEL CH', 4111), ('PRET A MANGER', 5814), ('PREMIER INN', 7011)]}

EMPLOYERS = [('MID NORTH COAST LHD', 'MNC LHD HEALTH'), ('NSW DEPT OF EDUCATION', 'DEPT OF EDUCATION'), ('COFFS HARBOUR CITY CNCL', 'CHCC PAYROLL'),
             ('ESSENTIAL ENERGY', 'ESSENTIAL ENERGY PAY'), ('TRANSPORT FOR NSW', 'TFNSW SSC'), ('UNITING NSW ACT', 'UNITING PAYROLL'),
             ('ST VINCENTS CARE', 'SVHA LTD'), ('NORCO CO-OPERATIVE', 'NORCO CO-OP'), ('BORAL RESOURCES', 'BORAL LIMITED'),
             ('BUNNINGS GROUP LTD', 'BUNNINGS GROUP'), ('SOUTHERN CROSS UNI', 'SCU PAYROLL'), ('LINDSAY AUSTRALIA', 'LINDSAY BROS MGMT'),
             ('BAPTISTCARE NSW', 'BAPTISTCARE'), ('SERVICE NSW', 'DEPT CUSTOMER SERVICE'), ('AUSTRALIA POST', 'AUSTRALIAN POSTAL CORP')]
CASUAL_EMPLOYERS = [('WOOLWORTHS GROUP', 'WOOLWORTHS GROUP LI'), ('COLES SUPERMARKETS', 'COLES GROUP'), ('KMART AUSTRALIA', 'KMART AUST LTD'),
                    ('PACIFIC BAY RESORT', 'PBR OPERATIONS'), ('C.EX GROUP', 'COFFS EX SERVICES'), ('MCDONALDS COFFS', 'JAYCEE FOODS PL'),
                    ('HUNGRY JACKS', 'HUNGRY JACKS PTY LTD'), ('ENDEAVOUR GROUP', 'ENDEAVOUR GRP'), ('BLUECARE', 'UCPT Q BLUECARE')]
TRADES = ('PLUMBING', 'ELECTRICAL', 'CONSTRUCTIONS', 'LANDSCAPES', 'ACCOUNTING', 'DENTAL', 'SMASH REPAIRS', 'JOINERY', 'REAL ESTATE', 'TRANSPORT')
MINES = [('BHP COAL', 'BHP COAL PTY LTD'), ('GLENCORE AUSTRALIA', 'GLENCORE COAL'), ('WORKPAC', 'WORKPAC MINING')]
FARMS = [('COSTA BERRY', 'COSTA FARMS'), ('OZ GROUP PACKHOUSE', 'OZ GROUP'), ('BUNDABERG PICKING', 'HARVEST LABOUR SVC'),
         ('DOUBLE CROSSING', 'DC BLUEBERRIES')]
PLATFORMS = [('UBER AU', 'RASIER PACIFIC'), ('DOORDASH', 'DOORDASH TECH AU'), ('MENULOG', 'MENULOG PTY'), ('AIRTASKER', 'AIRTASKER PTY')]
AGENCIES = [('HAYS SPECIALIST', 'HAYS'), ('CHANDLER MACLEOD', 'CHANDLER MACLEOD GRP'), ('RANDSTAD', 'RANDSTAD PTY LTD')]
AGENTS = ('RAY WHITE', 'LJ HOOKER', 'ELDERS REAL ESTATE', 'UNREALESTATE', 'FIRST NATIONAL', 'PRD NATIONWIDE', 'RENTPAY', 'DEFT')
POWER = ('ORIGIN ENERGY', 'AGL SALES', 'ENERGYAUSTRALIA', 'RED ENERGY', 'ALINTA ENERGY', 'POWERSHOP')
PHONE = ('TELSTRA', 'OPTUS', 'BOOST MOBILE', 'VODAFONE AU', 'AMAYSIM', 'AUSSIE BROADBAND')
INSURERS = ('NRMA INSURANCE', 'AAMI', 'BUDGET DIRECT', 'YOUI', 'ALLIANZ AU', 'GIO')
HEALTH = ('MEDIBANK PRIVATE', 'BUPA AU', 'NIB HEALTH', 'HCF')
STREAMS = [('NETFLIX.COM', 4899), ('STAN ENTERTAINMENT', 4899), ('SPOTIFY P1', 5815), ('DISNEY PLUS', 4899), ('KAYO SPORTS', None), ('FOXTEL', 4899)]
GYMS = ('ANYTIME FITNESS', 'DEBITSUCCESS GYM', 'PLUS FITNESS', 'CURVES')
SUPERS = ('AUSTRALIANSUPER', 'REST SUPER', 'AUSTRALIAN RETIREMENT TR', 'AWARE SUPER', 'HOSTPLUS', 'CBUS')
BNPL = ('AFTERPAY', 'ZIPPAY', 'KLARNA AU')
LENDERS = ('NIMBLE', 'WALLET WIZARD', 'CASH CONVERTERS', 'MONEY3', 'SUNSHINE LOANS')
ADVANCES = ('BEFOREPAY', 'MYPAYNOW', 'WAGETAP')
HOME_LENDERS = ('CBA HOME LOAN', 'WESTPAC HOME LOAN', 'ING HOME LOAN', 'MACQUARIE HL')
OWN_BANKS = ('UBANK', 'ING', 'COMMBANK', 'MACQUARIE', 'UP BANK', 'WESTPAC')
CENTRES = ('GOODSTART EARLY LEARN', 'LITTLE PIPIS ELC', 'KINDYHUB', 'COASTAL KIDS PRESCHOOL', 'XPLOR*CASUARINA ELC', 'AFFINITY EDUCATION')
UNIS = ('SOUTHERN CROSS UNI', 'UNI OF NEWCASTLE', 'UNE ARMIDALE', 'TAFE NSW', 'CHARLES STURT UNI')


@functools.lru_cache(maxsize=None)
def party(name, other=None, known=True):
    """The id is a hash of BSB and account, which not every rail tells."""
    return Party(name, 'au' + hashlib.sha1(name.encode()).hexdigest()[:14] if known else None, other)


def employer(rng, pool=None):
    """One of the pool, or a small firm of the town."""
    if pool is None and rng.random() < 0.45:
        name = f'{rng.choice(LAST).upper()} {rng.choice(TRADES)}'
        return party(f'{name} PTY LTD', name if rng.random() < 0.3 else None, rng.random() < 0.85)
    name, other = rng.choice(pool or EMPLOYERS)
    return party(name, other if rng.random() < 0.35 else None, rng.random() < 0.9)


def shop(rng, kind, town=None):
    name, mcc = rng.choice(kind)
    return shop_named(name.format(n=1000 + rng.randrange(60) * 17), mcc, town)


@functools.lru_cache(maxsize=None)
def shop_named(name, mcc=None, town=None, country='AU'):
    online = any(mark in name for mark in ('.COM', 'UBER', 'AMAZON', 'EBAY', 'TEMU', 'STEAM', 'JETSTAR', 'QANTAS', 'VIRGIN', 'AIRBNB', 'BIG4',
                                           'LINKT', 'SPORTSBET', 'LADBROKES'))
    return Shop(f'{name} {town}' if town and not online else name, mcc, country, online)
