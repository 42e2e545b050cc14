"""Words that show a person's gender in English prose, by what kind of evidence they are.

The lists were written for this project. Names are frequent given names of many origins that
are borne by one gender almost alone; names that both bear (Alex, Kim, Robin) are left out, as
are those that are common words at the start of a sentence (Will, May, Joy).
"""

GENDERED_WORDS: dict[str, dict[str, list[str]]] = {
    "subject": {"Male": ["he"], "Female": ["she"]},
    "pronoun": {"Male": ["him", "his", "himself"], "Female": ["her", "hers", "herself"]},
    "title": {
        "Male": "mr mister sir lord señor monsieur herr signor".split(),
        "Female": "mrs ms miss madam ma'am dame señora señorita madame frau signora".split(),
    },
    "noun": {
        "Male": """man men gentleman gentlemen guy guys boy boys lad lads bloke male males king
            prince waiter actor businessman salesman policeman fireman craftsman fisherman
            handyman postman tradesman repairman serviceman cameraman salesmen businessmen
            bachelor widower monk schoolboy""".split(),
        "Female": """woman women lady ladies gal girl girls lass female females queen princess
            waitress actress businesswoman saleswoman policewoman craftswoman stewardess
            hostess heroine seamstress saleswomen businesswomen spinster widow nun
            schoolgirl landlady headmistress""".split(),
    },
    "kin": {
        "Male": """father dad daddy husband son sons brother brothers uncle grandfather grandpa
            nephew grandson boyfriend fathers dads stepfather fiancé""".split(),
        "Female": """mother mom mum mummy mommy wife daughter daughters sister sisters aunt
            grandmother grandma niece granddaughter girlfriend mothers moms mums stepmother
            fiancée""".split(),
    },
}

GIVEN_NAMES: dict[str, list[str]] = {
    "Male": """
        James John Robert Michael William David Richard Joseph Thomas Charles Daniel Matthew
        Anthony Mark Donald Steven Steve Paul Andrew Joshua Kenneth Kevin Brian George Edward
        Ronald Timothy Tim Jason Jeffrey Ryan Jacob Gary Nicholas Nick Eric Jonathan Stephen
        Larry Justin Scott Brandon Benjamin Ben Samuel Gregory Greg Frank Alexander Raymond
        Patrick Jack Dennis Jerry Tyler Aaron Jose Adam Nathan Henry Douglas Zachary Peter Kyle
        Ethan Walter Noah Jeremy Christian Keith Roger Austin Sean Gerald Carl Harold Arthur
        Lawrence Jesse Bryan Joe Bruce Billy Bob Bobby Jim Jimmy Mike Tom Tommy Dave Dan Danny Matt
        Tony Fred Ted Harry Ron Ken Jeff Bill Phil Philip Phillip Albert Alan Louis Ralph Roy
        Eugene Randy Vincent Russell Oliver Liam Lucas Logan Mason Elijah Isaac Owen Luke Caleb
        Oscar Leo Max Theo Theodore Hugo Felix Simon Martin Graham Nigel Trevor Colin Neil Ian
        Derek Duncan Stuart Gordon Malcolm Ernest Edgar Edwin Leonard Leon Norman Stanley Victor
        Wesley Marcus Andre Jerome Darnell Tyrone Jamal Malik Darius Terrence Reginald Clarence
        Declan Conor Connor Seamus Padraig Cormac Brendan Finn Rory Angus Hamish Callum Ewan
        Gareth Rhys Emrys Dylan Evan
        Juan Carlos Luis Jorge Pedro Diego Miguel Javier Alejandro Fernando Pablo Rafael Manuel
        Antonio Francisco Ricardo Eduardo Roberto Sergio Mateo Santiago Enrique Hector Raul Ramon
        Andres Alberto Ignacio Gonzalo Emilio Esteban Felipe Guillermo Arturo Julio Joao João
        Tiago Thiago Paulo Rui Nuno Gustavo Marcelo Vinicius
        Pierre Jacques Henri Michel Antoine Olivier Philippe François Laurent Guillaume Mathieu
        Étienne Émile Luc Marcel Thierry Yves Alain Didier Jean-Pierre Jean-Luc Rémi Bastien
        Hans Klaus Jürgen Wolfgang Dieter Heinz Helmut Günther Stefan Matthias Andreas Markus
        Thorsten Uwe Lukas Jonas Florian Sebastian Tobias Friedrich Karl Heinrich Johannes Bernd
        Lars Sven Erik Nils Anders Magnus Bjorn Björn Gunnar Olaf Henrik Mikkel Soren Søren Jens
        Leif Axel Gustav Mikael Pekka Jari Timo Johan Pieter Willem Jeroen Maarten Joost Kees
        Giovanni Giuseppe Marco Luca Paolo Francesco Alessandro Matteo Lorenzo Stefano Roberto
        Davide Enzo Salvatore Vincenzo Pietro Giorgio Fabio Massimo Antonello Luigi Mario
        Ivan Dmitri Dmitry Sergei Sergey Alexei Aleksei Mikhail Vladimir Nikolai Igor Oleg Boris
        Yuri Viktor Pavel Maxim Andrei Anatoly Konstantin Vasily Bohdan Taras Mykola Oleksandr
        Piotr Tomasz Marek Jan Krzysztof Andrzej Paweł Pawel Michał Michal Wojciech Jakub Adrian
        Grzegorz Stanisław Zbigniew Jiri Jiří Tomas Tomáš Vaclav Miroslav Milos Dragan Goran
        Zoran Nikola Marko Bogdan Mihai Radu László Zoltán Gábor Attila Istvan Bence Dimitris
        Giorgos Kostas Yannis Nikos Spyros
        Mohammed Muhammad Mohamed Mohammad Ahmed Ahmad Ali Omar Hassan Hussein Ibrahim Yusuf
        Youssef Khalid Tariq Mustafa Mahmoud Abdullah Karim Rashid Samir Bilal Hamza Faisal Nasser
        Walid Ziad Salim Jamil Idris Mehmet Murat Emre Kemal Hakan Burak Serkan Osman Orhan Reza
        Hossein Amir Farhad Behrouz Dariush Kaveh Cyrus Navid
        Raj Rajesh Amit Rahul Vijay Sanjay Arjun Anil Sunil Ravi Suresh Ramesh Vikram Deepak
        Rohan Rohit Ashok Manoj Karthik Ganesh Krishna Nikhil Aditya Varun Gopal Mukesh Prakash
        Harish Dinesh Naveen Imran Asif Shahid Zahid Kamran Farhan Nadeem Gurpreet Balwinder
        Hiroshi Takashi Kenji Akira Satoshi Kazuo Takeshi Haruto Yuto Daiki Shinji Ichiro Taro
        Makoto Naoki Ryota Tetsuya Yoshio Kenta Wei-Lun Jun Ming Qiang Guang Jianguo Zhiyong Bo
        Haoran Zihan Min-jun Minjun Ji-ho Jiho Sung-min Dong-hyun Seung-ho Joon Minh Tuan Hung
        Dung Duc Hoang Quang Thanh Somchai Anan Budi Agus Joko Bambang Putra Jomar Rizal Aung
        Kwame Kofi Kwesi Yaw Kojo Kwabena Ade Adewale Oluwaseun Segun Tunde Babatunde Olumide
        Chukwuma Chinedu Emeka Obinna Ikenna Ifeanyi Uche Femi Kamau Otieno Mwangi Kipchoge
        Juma Baraka Sipho Thabo Themba Mandla Bongani Tendai Farai Mamadou Ousmane Moussa Amadou
        Ibrahima Cheikh Abebe Tesfaye Dawit Bekele Haile Desta Getachew
        David Moshe Yitzhak Avi Eitan Ari Noam Yosef Shlomo Ezra Levi Gideon Asher Kai Keanu
        Tane Wiremu Sione Manu""".split(),
    "Female": """
        Mary Patricia Jennifer Linda Elizabeth Barbara Susan Jessica Sarah Sara Karen Lisa Nancy
        Betty Margaret Sandra Ashley Kimberly Emily Donna Michelle Carol Amanda Dorothy Melissa
        Deborah Stephanie Rebecca Sharon Laura Cynthia Kathleen Amy Angela Shirley Anna Brenda
        Pamela Emma Nicole Helen Samantha Katherine Catherine Christine Debra Rachel Carolyn Janet
        Maria Heather Diane Ruth Julie Olivia Joyce Virginia Victoria Lauren Christina Joan Evelyn
        Judith Megan Andrea Cheryl Hannah Jacqueline Martha Gloria Teresa Ann Anne Annie Abigail
        Kathryn Frances Sophia Sophie Alice Judy Isabella Isabel Julia Grace Denise Amber Doris
        Marilyn Danielle Beverly Charlotte Natalie Theresa Diana Brittany Kayla Lily Lucy Molly
        Ella Ava Mia Chloe Zoe Lila Luna Nora Clara Eleanor Ellen Eva Eve Violet Hazel Ivy Daisy
        Rose Rosie Ruby Pearl Stella Maya Leah Naomi Claire Clare Fiona Gillian Hilary Jill Kate
        Katie Kathy Kelly Liz Lizzie Maggie Peggy Polly Sally Sue Susie Susanna Tina Wendy Tracy
        Vanessa Veronica Vivian Yvonne Penelope Phoebe Harriet Beatrice Matilda Florence Edith
        Agnes Ethel Mabel Gladys Winifred Georgina Imogen Jemima Philippa Pippa Bethany Tamara
        Tanya Latoya Keisha Shanice Ebony Aaliyah Imani Tamika Latasha Jasmine Bernadette
        Aoife Siobhan Niamh Saoirse Ciara Sinead Maeve Orla Roisin Eilidh Catriona Morag Isla
        Ailsa Rhiannon Bronwyn Sian Carys Megan Bridget Deirdre Mairead
        María Carmen Ana Lucia Lucía Isabel Elena Sofia Sofía Gabriela Valentina Camila Rosa
        Guadalupe Juana Mariana Daniela Paula Beatriz Pilar Dolores Consuelo Esperanza Ximena
        Luz Inés Ines Alejandra Fernanda Catalina Rocío Marisol Mercedes Raquel Verónica Leticia
        Fatima Joana Mariana Luísa Catarina Rita Bruna Larissa Conceição
        Marie Camille Chloé Élodie Amélie Juliette Sylvie Brigitte Nathalie Isabelle Céline
        Hélène Margot Manon Léa Geneviève Françoise Monique Colette Aurélie Simone Odile
        Ingrid Greta Heidi Ursula Petra Sabine Anja Katja Monika Renate Helga Gisela Brigitta
        Lena Hanna Lotte Annika Birgit Kerstin Astrid Freja Sigrid Solveig Maja Linnea Elsa Karin
        Britta Kirsten Mette Aino Kaisa Päivi Anneke Marijke Femke Saskia Sanne Liesbeth
        Giulia Chiara Francesca Alessia Martina Federica Elisa Paola Lucia Giovanna Caterina
        Bianca Silvia Valeria Ilaria Rosalia Antonella Ornella Carla
        Svetlana Natasha Natalia Olga Irina Tatiana Anastasia Ekaterina Katya Ludmila Galina
        Yelena Oksana Yulia Larisa Nadezhda Ksenia Vera Nina Daria Polina Lyudmyla Halyna
        Agnieszka Katarzyna Małgorzata Joanna Zofia Magdalena Ewa Barbara Beata Dorota Kasia
        Ania Jadwiga Zuzana Jana Hana Lenka Tereza Marketa Milica Jelena Ivana Dragana Snezana
        Vesna Ioana Elena Mihaela Ileana Zsófia Eszter Katalin Ilona Maria Eleni Katerina Despina
        Ioanna Vasiliki Dimitra
        Aisha Ayesha Fatimah Khadija Zainab Maryam Mariam Leila Layla Noor Nour Amina Salma
        Yasmin Yasmine Samira Huda Rania Dina Hala Farida Nadia Zahra Hiba Soraya Latifa Ayşe
        Ayse Elif Zeynep Emine Fatma Hatice Meryem Selin Shirin Parisa Nasrin Azadeh Fereshteh
        Priya Anjali Sunita Anita Lakshmi Deepa Kavita Meera Neha Pooja Rani Sita Radha Divya
        Shreya Ananya Aishwarya Nisha Rekha Geeta Usha Lata Asha Padma Swati Shanti Indira
        Kamala Sushila Rukhsana Shabnam Nasreen Farzana Saima Bushra Sana Harpreet Manjit
        Yuki Sakura Keiko Yoko Akiko Naoko Michiko Haruka Aiko Emi Hana Tomoko Yumi Kumiko
        Sachiko Ayumi Mei Mei-Ling Mei-Lin Li-Na Xiu Xiaomei Xiuying Fang Yan Ling Lihua Meiling
        Jing Hui Ying Soo-jin Ji-eun Min-ji Minji Hye-jin Eun-ji Seo-yeon Soo-yun Linh Huong
        Thuy Hoa Mai Lan Ngoc Phuong Trang Siriporn Malee Siti Dewi Sri Putri Wati Indah Nurul
        Maricel Rosalinda Thida
        Ama Akosua Abena Efua Esi Adwoa Afia Ngozi Chioma Adaeze Amaka Chinwe Ifeoma Nneka
        Chiamaka Folake Yetunde Funmilayo Titilayo Bukola Wanjiru Wambui Njeri Akinyi Atieno
        Wangari Zawadi Amani Neema Halima Nomsa Thandiwe Nomvula Lerato Zanele Naledi Tsitsi
        Rutendo Aminata Fatou Fatoumata Mariama Aissatou Awa Makeda Tigist Hiwot Selam Almaz
        Miriam Rivka Shira Yael Tamar Talia Esther Hadassah Noa Malia Leilani Moana Aroha Mere
        Sina""".split(),
}
